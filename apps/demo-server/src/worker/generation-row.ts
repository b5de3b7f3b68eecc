import {
  argMax,
  type LogitsProcessor,
  minP,
  Random,
  repetitionPenalty,
  sample,
  sequenceBias,
  temperature,
  topIndices,
  topK,
  topP,
} from '@weft/generation';
import type { FinishReason, GeneratedRow, GenerateParams, Piece, TokenDetail } from '../pool/protocol.js';
import type { Job } from './job.js';
import type { Tokenizer } from './served-model.js';
import { StopScanner } from './stop-scanner.js';

/** What every row of a model shares. */
export interface RowSettings {
  tokenizer: Tokenizer;
  eosTokenIds: readonly number[];
}

/** One continuation as it grows; each has its own way of choosing, so that unlike requests share a batch. */
export class GenerationRow {
  readonly tokens: number[];
  finish: FinishReason | null = null;
  #text = '';
  #details: TokenDetail[] = [];
  #decoder: ReturnType<Tokenizer['decodeStream']>;
  #stops: StopScanner;
  #random: Random;
  #processors: LogitsProcessor[];
  #warpers: ((scores: Float32Array) => void)[];

  constructor(
    readonly job: Job<'generate'>,
    /** prompt * n + copy */
    readonly index: number,
    readonly prompt: readonly number[],
    private readonly settings: RowSettings,
  ) {
    const { params } = job;
    this.tokens = [...prompt];
    this.#decoder = settings.tokenizer.decodeStream({ skipSpecialTokens: true });
    this.#stops = new StopScanner(params.stop);
    this.#random = new Random(params.seed ?? Math.floor(Math.random() * 2 ** 32), index);
    this.#processors = processorsOf(params);
    this.#warpers = warpersOf(params);
  }

  get newTokens(): number {
    return this.tokens.length - this.prompt.length;
  }

  /** Chooses the next token from the model's logits [V], which are written over, and gives what it adds. */
  advance(logits: Float32Array): Piece {
    const { params } = this.job;
    const detail = params.alternatives === undefined ? undefined : this.#look(logits, params.alternatives);
    const token = this.#choose(logits);
    this.tokens.push(token);
    const isEnd = this.settings.eosTokenIds.includes(token);
    if (!isEnd && detail) this.#details.push(detail(token));
    let text = isEnd ? '' : this.#stops.push(this.#decoder.push(token));
    if (this.#stops.stopped || isEnd) this.finish = 'stop';
    else if (this.newTokens >= params.maxNewTokens) this.finish = 'length';
    if (this.finish && !this.#stops.stopped) {
      text += this.#stops.push(this.#decoder.end());
      text += this.#stops.end();
    }
    this.#text += text;
    const details = detail && !isEnd ? [this.#details.at(-1)!] : [];
    return { row: this.index, text, details, finish: this.finish };
  }

  result(): GeneratedRow {
    return { text: this.#text, details: this.#details, finish: this.finish!, tokens: this.newTokens };
  }

  #choose(scores: Float32Array): number {
    const context = { tokens: this.tokens, promptLength: this.prompt.length, promptIndex: 0 };
    for (const process of this.#processors) process(scores, context);
    if (this.job.params.temperature === 0) return argMax(scores);
    for (const warp of this.#warpers) warp(scores);
    const drawn = sample(scores, this.#random);
    // Only where no score is finite: the weights are not, or the biases forbid all.
    if (drawn < 0) throw new Error('no token has a finite score');
    return drawn;
  }

  /** Takes the model's probabilities before anything changes the logits; tells of a token once it is chosen. */
  #look(logits: Float32Array, count: number): (token: number) => TokenDetail {
    const { tokenizer } = this.settings;
    let best = Number.NEGATIVE_INFINITY;
    for (const value of logits) if (value > best) best = value;
    let sum = 0;
    for (const value of logits) sum += Math.exp(value - best);
    const base = best + Math.log(sum);
    const before = logits.slice();
    const view = (id: number) => ({
      id,
      token: tokenizer.idToToken(id) ?? '',
      text: tokenizer.decode([id]),
      logprob: before[id]! - base,
    });
    const top = count > 0 ? topIndices(before, Math.min(count, before.length)).map(view) : [];
    return (token) => ({ ...view(token), top });
  }
}

function processorsOf(params: GenerateParams): LogitsProcessor[] {
  const { logitBias, repetitionPenalty: penalty, presencePenalty, frequencyPenalty } = params;
  return [
    ...(logitBias.length > 0 ? [sequenceBias(logitBias.map(([id, bias]) => [[id], bias] as const))] : []),
    ...(penalty === 1 ? [] : [repetitionPenalty(penalty)]),
    ...(presencePenalty === 0 && frequencyPenalty === 0
      ? []
      : [usedPenalty(presencePenalty, frequencyPenalty)]),
  ];
}

/** OpenAI's penalties: of the tokens written so far, each once and by their count; the prompt is not counted. */
export function usedPenalty(presence: number, frequency: number): LogitsProcessor {
  return (scores, { tokens, promptLength }) => {
    const counts = new Map<number, number>();
    for (const token of tokens.slice(promptLength)) counts.set(token, (counts.get(token) ?? 0) + 1);
    for (const [token, count] of counts) scores[token]! -= presence + frequency * count;
  };
}

function warpersOf(params: GenerateParams): ((scores: Float32Array) => void)[] {
  const { temperature: heat, topK: k, topP: p, minP: floor } = params;
  return [
    ...(heat === 1 || heat === 0 ? [] : [temperature(heat)]),
    ...(k > 0 ? [topK(k)] : []),
    ...(p < 1 ? [topP(p)] : []),
    ...(floor > 0 ? [minP(floor)] : []),
  ];
}
