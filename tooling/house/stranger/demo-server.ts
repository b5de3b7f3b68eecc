import { createServer, defaultModels } from '@weft/demo-server';

// The server answers without a socket.
const { models } = await defaultModels();
const server = await createServer({ models: models.slice(-1), threads: 1 });
await server.ready();
const payload = { prompt: 'translate English to German: Two dogs run.', max_tokens: 4 };
const answer = await server.app.inject({ method: 'POST', url: '/v1/completions', payload });
const { usage } = answer.json<{ usage: { completion_tokens: number } }>();
if (answer.statusCode !== 200 || usage.completion_tokens < 1) throw new Error(answer.body);
await server.close();
console.log('ok', usage.completion_tokens);
