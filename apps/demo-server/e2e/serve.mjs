// A server of its own for the tests, in a process of its own: small models with drawn weights, a folder of runs.
// Prints its address, and stops with its parent's end of the pipe.
import { createServer } from '../dist/index.js';
import { writeRandomModels } from '../dist/random-models.js';

const { folder, watch, withModels, apiKeys } = JSON.parse(process.argv[2]);
const models = withModels ? await writeRandomModels(folder) : [];
const server = await createServer({
  port: 0,
  models,
  rateLimit: false,
  threads: 1,
  ...(watch ? { watch } : {}),
  ...(apiKeys ? { apiKeys } : {}),
});
const address = await server.listen();
await server.ready();
process.stdout.write(`${address}\n`);
process.stdin.resume();
process.stdin.on('end', async () => {
  await server.close();
  process.exit(0);
});
