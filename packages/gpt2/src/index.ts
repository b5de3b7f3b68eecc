export { type GPT2Config, gpt2ConfigSchema } from './config.js';
export { type GPT2LMHeadInputs, GPT2LMHeadModel, type GPT2LMHeadOutputs } from './lm-head.js';
export { type AskedTokens, type GPT2Inputs, GPT2Model, type GPT2Outputs } from './modeling.js';
export {
  type GPT2ClassificationInputs,
  type GPT2ClassificationOutputs,
  GPT2ForSequenceClassification,
} from './sequence-classification.js';
