import type { GeneratedToken } from './api.js';
import { type GenerationOptions, generate } from './api.js';
import { type Failure, toFailure } from './failure.js';

export interface Writing {
  state: 'idle' | 'writing' | 'done' | 'stopped' | 'failed';
  prompt: string;
  tokens: (GeneratedToken & { taken?: boolean })[];
  model: string;
  random: boolean;
  seconds: number;
  failure?: Failure;
}

export const nothingWritten: Writing = {
  state: 'idle',
  prompt: '',
  tokens: [],
  model: '',
  random: false,
  seconds: 0,
};

export const textOf = (tokens: { text: string }[]): string => tokens.map(({ text }) => text).join('');

/** The writing up to a token, which gives way to another that the model had weighed there. */
export function branched(writing: Writing, index: number, alternative: number): Writing {
  const token = writing.tokens[index]!;
  const taken = { ...token.alternatives[alternative]!, alternatives: token.alternatives, taken: true };
  return { ...writing, tokens: [...writing.tokens.slice(0, index), taken] };
}

/** Lets the model write on from what stands; tells of each step. Never throws. */
export async function writeOn(
  begun: Writing,
  options: GenerationOptions,
  signal: AbortSignal,
  tell: (writing: Writing) => void,
): Promise<void> {
  const { failure: _, ...kept } = begun;
  let writing: Writing = { ...kept, state: 'writing', model: options.model, seconds: 0 };
  const step = (change: Partial<Writing>): void => {
    writing = { ...writing, ...change };
    tell(writing);
  };
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  step({});
  try {
    const prompt = begun.prompt + textOf(begun.tokens);
    for await (const event of generate({ ...options, prompt }, signal)) {
      if (signal.aborted) break;
      if (event.event === 'start') step({ model: event.model, random: event.random });
      else if (event.event === 'token') step({ tokens: [...writing.tokens, event.token] });
    }
    step({ state: signal.aborted ? 'stopped' : 'done', seconds: seconds() });
  } catch (error) {
    if (signal.aborted) step({ state: 'stopped', seconds: seconds() });
    else step({ state: 'failed', failure: toFailure(error), seconds: seconds() });
  }
}
