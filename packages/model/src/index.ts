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
export { type Memory, type Seq2SeqDecoder, Seq2SeqDecodingSession } from './seq2seq-session.js';
export type { Seq2SeqLayerInputs, Seq2SeqOutputs } from './seq2seq-types.js';
export { StatesSession } from './states-session.js';
