# docker build -t reka-clips-mcp .                   with the clip engine (the default)
# docker build -t reka-clips-mcp:reka --target reka .  Reka only, smaller

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY server ./server
RUN /opt/venv/bin/pip install .

FROM build AS build-local
RUN /opt/venv/bin/pip install ".[local]"

FROM python:${PYTHON}-slim AS base
RUN useradd --create-home --uid 10001 clips \
    && install --directory --owner=clips --group=clips /data
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REKA_CLIPS_DATA_DIR=/data
USER 10001
WORKDIR /home/clips
VOLUME ["/data"]
EXPOSE 8000
# /healthz asks for no token.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["reka-clips-mcp"]
# Others reach it: it does not start without REKA_CLIPS_AUTH_TOKEN or OAuth.
CMD ["--transport", "streamable-http", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS reka
COPY --from=build /opt/venv /opt/venv
ENV REKA_CLIPS_BACKEND=reka

FROM base AS local
COPY --from=build-local /opt/venv /opt/venv
ENV REKA_CLIPS_SHARE_ENGINE=1
