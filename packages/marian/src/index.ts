export { type MarianConfig, marianConfigSchema } from './config.js';
export {
  type MarianEncoderInputs,
  type MarianInputs,
  MarianModel,
  type MarianOutputs,
} from './model.js';
export { type MarianMTInputs, MarianMTModel, type MarianMTOutputs } from './mt-model.js';
