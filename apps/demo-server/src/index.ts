export { type DefaultModels, defaultModels } from './default-models.js';
export type { ServedModelOptions, ServerOptions } from './options.js';
export { type ServeOptions, serve } from './serve.js';
export { createServer, type DemoServer } from './server.js';
