// npm's @modelcontextprotocol/sdk as a client of one server, which knows its address and no token: `node client.mjs http|sse ADDRESS
// [HEADER VALUE]`. It prints a JSON object a line: what tools there are, and then, for each line of standard input, what the tool of
// that name said, with the notifications that came meanwhile.
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [, , kind, address, name, value] = process.argv;
const Transport = kind === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
const client = new Client({ name: 'fob-e2e', version: '1' });
let notified = 0;
client.setNotificationHandler(LoggingMessageNotificationSchema, () => { notified += 1; });
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
await client.connect(new Transport(new URL(address), name ? { requestInit: { headers: { [name]: value } } } : {}));
tell({ tools: (await client.listTools()).tools.map((tool) => tool.name) });
for await (const line of createInterface({ input: process.stdin })) {
  const [tool, args] = [line.split(' ')[0], JSON.parse(line.slice(line.indexOf(' ')))];
  try {
    const { content } = await client.callTool({ name: tool, arguments: args });
    tell({ said: content[0].text, notified });
  } catch (err) {
    tell({ failed: String(err) });
  }
}
await client.close();
