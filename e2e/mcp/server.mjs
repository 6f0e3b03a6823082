// The demo of npm's @modelcontextprotocol/sdk, as it is: an MCP server (its examples' simpleStreamableHttp) and the demo OAuth server
// beside it. What is here only chooses ports, keeps both on this machine, and says when they are there.
//
//   node server.mjs [--ports MCP,AUTH] [--strict]      strict: tokens must be for this server (RFC 8707)
//
// It prints {"ready": true, "resource": …, "issuer": …} and ends when its standard input does.
import net from 'node:net';

const free = async () => { // a port of the system's choice: the examples want a number
  const server = net.createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const { port } = server.address();
  await new Promise((done) => { server.close(done); });
  return port;
};
const again = process.argv.indexOf('--ports');
const [mcp, auth] = again > 0 ? process.argv.splice(again, 2)[1].split(',').map(Number) : [await free(), await free()];

// The examples listen on every address.
const { listen } = net.Server.prototype;
let waiting = 2;
net.Server.prototype.listen = function local(port, ...rest) {
  this.once('listening', () => {
    waiting -= 1;
    if (waiting === 0) {
      process.stdout.write(`${JSON.stringify({ ready: true, resource: `http://localhost:${mcp}/mcp`, issuer: `http://localhost:${auth}/` })}\n`);
    }
  });
  return listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...rest);
};

process.env.MCP_PORT = String(mcp);
process.env.MCP_AUTH_PORT = String(auth);
process.argv.push('--oauth');
if (process.argv.includes('--strict')) process.argv.push('--oauth-strict');
console.log = () => {}; // it prints tokens
await import('@modelcontextprotocol/sdk/examples/server/simpleStreamableHttp.js');
process.stdin.on('end', () => process.exit(0)).resume();
