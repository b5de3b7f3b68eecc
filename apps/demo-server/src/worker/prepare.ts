import type { TokenView } from '../pool/protocol.js';
import { RequestError } from '../request-error.js';
import type { PreparedRequest } from './cohort.js';
import { GenerationRow } from './generation-row.js';
import type { Job } from './job.js';
import type { ServedModel } from './served-model.js';

/**
 * Tokenizes the prompts of a request and makes its rows.
 *
 * @throws RequestError for prompts that the model cannot take
 */
export function prepareRequest(served: ServedModel, job: Job<'generate'>): PreparedRequest {
  const { tokenizer, generative } = served;
  if (!generative) throw new RequestError(400, 'wrong_model', 'this model does not write texts', 'model');
  const { params } = job;
  const defaults = generative.generationDefaults;
  const eosTokenIds = [defaults.eosTokenId ?? tokenizer.eosTokenId ?? []].flat();
  const begin = defaults.bosTokenId ?? eosTokenIds[0];
  const promptIds = params.prompts.map((prompt) => {
    const ids = typeof prompt === 'string' ? tokenizer.encode(prompt).inputIds : checkIds(prompt, served);
    // A text from nothing begins where texts of the training begin.
    if (ids.length > 0) return ids;
    if (begin === undefined) throw new RequestError(400, 'empty_prompt', 'the prompt is empty', 'prompt');
    return [begin];
  });
  const longest = Math.max(...promptIds.map(({ length }) => length));
  checkRoom(served, longest, params.maxNewTokens);
  const badBias = params.logitBias.find(([id]) => id >= tokenizer.vocabSize);
  if (badBias) throw unknownToken(badBias[0], 'logit_bias');
  const settings = { tokenizer, eosTokenIds };
  const rows = promptIds.flatMap((ids, prompt) =>
    Array.from(
      { length: params.n },
      (_, copy) => new GenerationRow(job, prompt * params.n + copy, ids, settings),
    ),
  );
  const texts = promptIds.map((ids, i) => textOf(params.prompts[i]!, () => tokenizer.decode(ids)));
  if (params.stream) {
    const prompts = promptIds.map((ids) => viewTokens(served, ids));
    job.event({ type: 'start', prompts: params.alternatives === undefined ? [] : prompts, texts });
  }
  return {
    job,
    rows,
    prompts: texts,
    promptTokens: promptIds.reduce((sum, { length }) => sum + length, 0),
    longest,
    total: (generative.isEncoderDecoder ? 0 : longest) + params.maxNewTokens,
  };
}

const textOf = (prompt: string | number[], decode: () => string): string =>
  typeof prompt === 'string' ? prompt : decode();

function checkRoom({ generative, info }: ServedModel, longest: number, maxNewTokens: number): void {
  const room = generative?.maxPositions;
  const total = generative?.isEncoderDecoder ? longest : longest + maxNewTokens;
  const limit = room ?? info.maxTokens ?? 4096;
  if (total <= limit) return;
  throw new RequestError(
    400,
    'context_length_exceeded',
    `this model takes at most ${limit} tokens, prompt and completion together; asked for ${total} (${longest} in the prompt, ${maxNewTokens} to write)`,
    'prompt',
  );
}

/** Ids that a client sends must be the model's. */
export function checkIds(ids: readonly number[], { tokenizer }: ServedModel): number[] {
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= tokenizer.vocabSize);
  if (wrong !== undefined) throw unknownToken(wrong, 'prompt');
  return [...ids];
}

const unknownToken = (id: number, param: string): RequestError =>
  new RequestError(400, 'unknown_token', `${id} is not a token id of this model`, param);

/** Ids as people see them. */
export function viewTokens({ tokenizer }: ServedModel, ids: readonly number[]): TokenView[] {
  return ids.map((id) => ({ id, token: tokenizer.idToToken(id) ?? '', text: tokenizer.decode([id]) }));
}
