// Calls tools of a server over stdio with the TypeScript SDK's client and prints what it made of them.
// Arguments: the command, and a JSON list of calls: [{"name", "arguments"}].
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, calls] = process.argv.slice(2);
const client = new Client({ name: "node-client", version: "1.0.0" });
const seen = { errors: [], progress: [], results: [] };
client.onerror = (error) => seen.errors.push(String(error));
await client.connect(new StdioClientTransport({ command, env: process.env, stderr: "inherit" }));
for (const call of JSON.parse(calls)) {
  const messages = [];
  const onprogress = ({ message }) => messages.push(message);
  const { isError, structuredContent } = await client.callTool(call, undefined, { onprogress });
  seen.progress.push(messages);
  seen.results.push({ isError: isError ?? false, status: structuredContent?.status, id: structuredContent?.id });
}
await client.close();
console.log(JSON.stringify(seen));
