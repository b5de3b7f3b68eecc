export { generationOptionsFrom } from './generation-config.js';
export { type KeyMap, resolveKeys } from './key-map.js';
export {
  type BaseConfig,
  type LoadOptions,
  loadPretrained,
  type ModelClass,
  type ModelSource,
  PretrainedModel,
  type SaveOptions,
  scopeOf,
} from './pretrained.js';
export { type Loader, ModelRegistry } from './registry.js';
