/** Where requests and models begin, before they say what is special about them. */
import type { GenerateParams, ModelInfo } from './protocol.js';

/** Tokens as the model has them: nothing filtered, no one favoured. */
export const plainGeneration = {
  n: 1,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: [],
  stop: [],
} satisfies Partial<GenerateParams>;

/** A model of which nothing is known yet, or that can do nothing of this. */
export const noAbilities = {
  completions: false,
  embeddings: false,
  labels: null,
  layers: null,
  heads: null,
  maxTokens: null,
} satisfies Partial<ModelInfo>;
