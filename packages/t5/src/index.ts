export {
  type T5ConditionalInputs,
  type T5ConditionalOutputs,
  T5ForConditionalGeneration,
} from './conditional-generation.js';
export { type T5Config, t5ConfigSchema } from './config.js';
export {
  type T5EncoderInputs,
  T5EncoderModel,
  type T5EncoderOutputs,
  type T5Inputs,
  T5Model,
  type T5Outputs,
} from './model.js';
