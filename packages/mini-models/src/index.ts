export type { MiniModelName } from './catalogue.js';
export { type MiniModel, miniModel, miniModelFor, miniModels } from './models.js';
