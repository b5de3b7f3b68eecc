// The server under load, in a process of its own: told what to do by its first argument, it prints its address.
import { createServer } from '../dist/index.js';

const server = await createServer(JSON.parse(process.argv[2]));
const address = await server.listen();
await server.ready();
process.stdout.write(`${address}\n`);
process.on('SIGTERM', async () => {
  await server.close();
  process.exit(0);
});
