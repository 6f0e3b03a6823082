// An example server of npm's @modelcontextprotocol/sdk that asks nobody for a token and speaks both transports, streamable HTTP (/mcp)
// and the older server-sent events (/sse): it stands behind somebody who asks. It prints {"ready": true, "at": …} and ends when its
// standard input does.
import net from 'node:net';

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function local(_port, ...rest) { // the example wants port 3000 of every address
  this.once('listening', () => {
    process.stdout.write(`${JSON.stringify({ ready: true, at: `http://127.0.0.1:${this.address().port}` })}\n`);
  });
  return listen.call(this, { port: 0, host: '127.0.0.1' }, ...rest);
};
console.log = () => {};
await import('@modelcontextprotocol/sdk/examples/server/sseAndStreamableHttpCompatibleServer.js');
process.stdin.on('end', () => process.exit(0)).resume();
