import { askEvents, askJson } from './http.js';

/** A model that the server offers, and what it can be asked for. */
export interface ModelCard {
  id: string;
  /** `available`: in a folder of the server's, loaded when it is first asked. */
  state: 'loading' | 'ready' | 'failed' | 'available';
  /** What the page may offer with it: names of `/explain/*` and of `/pipelines/*`. */
  abilities: string[];
  architecture: string | null;
  /** The weights were drawn, not trained. */
  random: boolean;
}

export interface Alternative {
  id: number;
  text: string;
  probability: number;
}

export interface GeneratedToken extends Alternative {
  /** The likeliest tokens at this place, the likeliest first. */
  alternatives: Alternative[];
}

export interface LabelScore {
  label: string;
  score: number;
}

/** A token of a text that was given: offsets are what JavaScript indexes. */
export interface Piece {
  id: number;
  token: string;
  start: number;
  end: number;
  special: boolean;
}

export interface Attribution {
  model: string;
  random: boolean;
  target: string;
  labels: LabelScore[];
  tokens: (Piece & { attribution: number })[];
}

export interface Answer {
  score: number;
  start: number;
  end: number;
  answer: string;
}

export interface Attentions {
  model: string;
  random: boolean;
  tokens: Piece[];
  layers: number;
  heads: number;
  /** A token sees only itself and what stands before it. */
  causal: boolean;
  /** [layer][head][from][to]; each row sums to 1. */
  attentions: number[][][][];
}

export interface Tokenization {
  model: string;
  vocabSize: number;
  tokens: (Piece & { text: string; word: number | null })[];
}

export interface GenerationOptions {
  model: string;
  prompt: string;
  maxTokens: number;
  temperature: number;
  topP: number;
}

export type GenerationEvent =
  | { event: 'start'; model: string; random: boolean }
  | { event: 'token'; token: GeneratedToken }
  | { event: 'done'; finishReason: string; seconds: number };

interface ServerModel {
  id: string;
  weft?: {
    state?: ModelCard['state'];
    architecture?: string | null;
    tasks?: string[] | null;
    explain?: string[] | null;
    random?: boolean | null;
  };
}

export async function listModels(signal?: AbortSignal): Promise<ModelCard[]> {
  const { data } = await askJson<{ data: ServerModel[] }>('v1/models', { signal });
  return data.map(({ id, weft = {} }) => ({
    id,
    state: weft.state ?? 'ready',
    abilities: [...(weft.explain ?? []), ...(weft.tasks ?? [])],
    architecture: weft.architecture ?? null,
    random: weft.random ?? false,
  }));
}

/** Generated tokens as they come, each with what else the model thought of. */
export async function* generate(
  options: GenerationOptions,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const body = { ...options, alternatives: 8 };
  for await (const { event, data } of askEvents('explain/generate', { body, signal })) {
    if (event === 'token') yield { event, token: data as GeneratedToken };
    else if (event === 'start' || event === 'done') yield { event, ...(data as object) } as GenerationEvent;
  }
}

type Asked<T> = (model: string, text: string, signal: AbortSignal) => Promise<T>;

const explain =
  <T>(view: string): Asked<T> =>
  (model, text, signal) =>
    askJson<T>(`explain/${view}`, { body: { model, text }, signal });

export const attribute = explain<Attribution>('sentiment');
export const attend = explain<Attentions>('attention');
export const tokenize = explain<Tokenization>('tokenize');

export async function findAnswers(
  model: string,
  question: string,
  context: string,
  signal: AbortSignal,
): Promise<{ model: string; answers: Answer[] }> {
  const body = {
    model,
    inputs: { question, context },
    parameters: { topK: 3, handleImpossibleAnswer: true },
  };
  const reply = await askJson<{ model: string; result: Answer | Answer[] }>('pipelines/question-answering', {
    body,
    signal,
  });
  return { model: reply.model, answers: [reply.result].flat() };
}
