/** What the server and its model workers say to each other: plain data, as structured clones. */

/** A token as people see it. `text` is the token decoded by itself, or a slice of the given text. */
export interface TokenView {
  id: number;
  /** As the vocabulary spells it. */
  token: string;
  text: string;
}

export interface Alternative extends TokenView {
  logprob: number;
}

/** A generated token with what else the model thought of. */
export interface TokenDetail extends TokenView {
  /** Natural logarithm of the model's probability, before temperature and filters. */
  logprob: number;
  /** The likeliest tokens, best first. */
  top: Alternative[];
}

export interface GenerateParams {
  /** Texts or ids. */
  prompts: (string | number[])[];
  /** Continuations a prompt. */
  n: number;
  maxNewTokens: number;
  /** 0: always the likeliest token. */
  temperature: number;
  /** 0: all tokens. */
  topK: number;
  topP: number;
  minP: number;
  repetitionPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  logitBias: [id: number, bias: number][];
  stop: string[];
  seed?: number;
  /** Likeliest tokens to tell of with each token; none: tell of no token. */
  alternatives?: number;
  /** Send pieces as they come. */
  stream: boolean;
}

export type FinishReason = 'stop' | 'length';

/** New text of one continuation; `row` is prompt * n + copy. */
export interface Piece {
  row: number;
  text: string;
  details: TokenDetail[];
  finish: FinishReason | null;
}

export type GenerateEvent =
  | { type: 'start'; prompts: TokenView[][]; texts: string[] }
  | { type: 'pieces'; pieces: Piece[] };

export interface GeneratedRow {
  text: string;
  details: TokenDetail[];
  finish: FinishReason;
  tokens: number;
}

export interface GenerateResult {
  rows: GeneratedRow[];
  /** The prompts as text, for `echo`. */
  prompts: string[];
  promptTokens: number;
  seconds: number;
}

export interface EmbedParams {
  inputs: (string | number[])[];
}
export interface EmbedResult {
  embeddings: Float32Array[];
  tokens: number;
}

export interface PipelineParams {
  task: string;
  inputs: unknown;
  parameters: Record<string, unknown>;
}

/** A token of a given text; special tokens have the place [0, 0). */
export interface PlacedToken {
  id: number;
  token: string;
  start: number;
  end: number;
  special: boolean;
}

export interface SentimentParams {
  text: string;
  target?: string;
}
export interface SentimentResult {
  method: 'occlusion';
  target: string;
  labels: { label: string; score: number }[];
  tokens: (PlacedToken & { attribution: number })[];
}

export interface AttentionParams {
  text: string;
  textPair?: string;
}
export interface AttentionResult {
  layers: number;
  heads: number;
  causal: boolean;
  tokens: (PlacedToken & { sequence: number | null })[];
  /** [layer][head][from][to] */
  attentions: number[][][][];
}

export interface TokenizeParams {
  text: string;
  addSpecialTokens: boolean;
}
export interface TokenizeResult {
  vocabSize: number;
  tokens: (PlacedToken & { text: string; word: number | null })[];
}

/** Every kind of work: what it is asked with, what it tells on the way, what it gives. */
export interface Work {
  generate: { params: GenerateParams; event: GenerateEvent; result: GenerateResult };
  embed: { params: EmbedParams; event: never; result: EmbedResult };
  pipeline: { params: PipelineParams; event: never; result: unknown };
  sentiment: { params: SentimentParams; event: never; result: SentimentResult };
  attention: { params: AttentionParams; event: never; result: AttentionResult };
  tokenize: { params: TokenizeParams; event: never; result: TokenizeResult };
}
export type WorkKind = keyof Work;

/** What a loaded model says of itself. */
export interface ModelInfo {
  architecture: string;
  tasks: string[];
  explain: ('generate' | 'sentiment' | 'attention' | 'tokenize')[];
  completions: boolean;
  embeddings: boolean;
  labels: string[] | null;
  layers: number | null;
  heads: number | null;
  /** Tokens that a text, with what is written after it, may have. */
  maxTokens: number | null;
}

/** An error on its way from a worker; its message is for the client. */
export interface WireError {
  status: number;
  code: string;
  message: string;
  param?: string;
  /** Where it came from, without its message, which may quote a text. */
  stack?: string;
}

export type ToWorker =
  | { [K in WorkKind]: { type: 'job'; id: number; kind: K; params: Work[K]['params'] } }[WorkKind]
  | { type: 'cancel'; id: number };

/** A worker sends lists of these. */
export type FromWorker =
  | { type: 'ready'; info: ModelInfo }
  | { type: 'failed'; message: string }
  | { type: 'event'; id: number; event: GenerateEvent }
  | { type: 'end'; id: number; result?: unknown; error?: WireError }
  /** Rows that went through the model together, and what they were. */
  | { type: 'batch'; kind: WorkKind; rows: number; tokens: number };

/** What a worker is started with. */
export interface WorkerData {
  source: string;
  batching: BatchingOptions;
  limits: WorkLimits;
  backend: string;
  threads?: number;
  /** Hub options of the model. */
  revision?: string;
  localFilesOnly?: boolean;
}

export interface BatchingOptions {
  /** Rows that go through a model together at most; 1 switches batching off. */
  maxBatch: number;
  /** How long an idle model waits for company of a first request, in milliseconds. */
  windowMs: number;
}

export interface WorkLimits {
  /** New tokens of one continuation. */
  maxNewTokens: number;
  /** Tokens of a text of the explaining views. */
  maxAttentionTokens: number;
  maxOcclusionTokens: number;
}
