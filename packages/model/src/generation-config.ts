import type { GenerationOptions } from '@weft/generation';

/** Keys of generation_config.json that weft knows, beside their names in the options. */
const spellings = {
  max_length: 'maxLength',
  max_new_tokens: 'maxNewTokens',
  min_length: 'minLength',
  min_new_tokens: 'minNewTokens',
  max_time: 'maxTime',
  stop_strings: 'stopStrings',
  do_sample: 'doSample',
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  typical_p: 'typicalP',
  epsilon_cutoff: 'epsilonCutoff',
  eta_cutoff: 'etaCutoff',
  sequence_bias: 'sequenceBias',
  repetition_penalty: 'repetitionPenalty',
  encoder_repetition_penalty: 'encoderRepetitionPenalty',
  no_repeat_ngram_size: 'noRepeatNgramSize',
  encoder_no_repeat_ngram_size: 'encoderNoRepeatNgramSize',
  bad_words_ids: 'badWordsIds',
  forced_bos_token_id: 'forcedBosTokenId',
  forced_eos_token_id: 'forcedEosTokenId',
  remove_invalid_values: 'removeInvalidValues',
  exponential_decay_length_penalty: 'exponentialDecayLengthPenalty',
  suppress_tokens: 'suppressTokens',
  begin_suppress_tokens: 'beginSuppressTokens',
  renormalize_logits: 'renormalizeLogits',
  num_beams: 'numBeams',
  num_return_sequences: 'numReturnSequences',
  length_penalty: 'lengthPenalty',
  early_stopping: 'earlyStopping',
  prompt_lookup_num_tokens: 'promptLookupNumTokens',
  max_matching_ngram_size: 'maxMatchingNgramSize',
  num_assistant_tokens: 'numAssistantTokens',
  assistant_confidence_threshold: 'assistantConfidenceThreshold',
  bos_token_id: 'bosTokenId',
  eos_token_id: 'eosTokenId',
  pad_token_id: 'padTokenId',
  decoder_start_token_id: 'decoderStartTokenId',
} as const satisfies Record<string, keyof GenerationOptions>;

/** The generation options that a configuration file gives; null counts as not given. */
export function generationOptionsFrom(config: Record<string, unknown>): GenerationOptions {
  const options: Record<string, unknown> = {};
  for (const [stored, name] of Object.entries(spellings)) {
    const value = config[stored];
    if (value !== undefined && value !== null) options[name] = value;
  }
  return options as GenerationOptions;
}
