import { setImmediate as yieldToEvents } from 'node:timers/promises';
import {
  advance,
  candidateCount,
  continuations,
  isSettled,
  type Search,
  type StepScores,
  startSearches,
  takesLogitsAsTheyAre,
} from './beams.js';
import type { GenerateOutput } from './generate.js';
import { padRight, type Run } from './run.js';
import type { DecodingSession } from './session.js';

/**
 * Beam search: keeps the `numBeams` likeliest texts of each prompt running and the best ended ones finished. Prompts
 * whose result is settled leave the batch.
 */
export async function beamSearch(session: DecodingSession, run: Run): Promise<GenerateOutput> {
  const { options, promptLength } = run;
  const { vocabSize } = session;
  const searches = startSearches(run);
  const kept = new KeptRows(run, vocabSize, searches.length * options.numBeams);
  let atWork = searches;
  const count = candidateCount(options);
  const plain = session.stepTop !== undefined && count <= vocabSize && takesLogitsAsTheyAre(run);
  const step = (tokens: readonly (readonly number[])[]): StepScores =>
    plain ? { ...session.stepTop!(tokens, count), count } : { logits: session.step(tokens), vocabSize };
  let scores = step(run.prompts);
  for (let length = promptLength; ; length++) {
    options.signal?.throwIfAborted();
    if (scores.logits) kept.add('logits', scores.logits, atWork);
    const candidates = atWork.map((search) => continuations(search, scores, run));
    if (scores.logits) kept.add('scores', scores.logits, atWork);
    for (const [i, search] of atWork.entries()) advance(search, candidates[i]!, run, length);
    const goesOn = (search: Search): boolean => search.running.length > 0 && !isSettled(search, run);
    if (!atWork.some(goesOn)) break;
    atWork = atWork.filter((search) => goesOn(search) || (kept.any && search.running.length > 0));
    scores = step(feed(session, atWork));
    await yieldToEvents();
  }
  return { ...collect(searches, run), ...kept.output };
}

/** Moves the session's rows to where the running beams go on from; gives each beam's newest token. */
function feed(session: DecodingSession, searches: readonly Search[]): number[][] {
  const beams = searches.flatMap(({ running }) => running);
  const moved = beams.length !== session.batchSize || beams.some(({ place }, i) => place !== i);
  if (moved) session.reorder(beams.map(({ place }) => place));
  for (const [i, beam] of beams.entries()) beam.place = i;
  return beams.map(({ tokens }) => [tokens.at(-1)!]);
}

function collect(searches: readonly Search[], { options }: Run): GenerateOutput {
  const { numReturnSequences, padTokenId, eosTokenIds } = options;
  const best = searches.flatMap(({ finished }) => finished.slice(0, numReturnSequences));
  const longest = Math.max(...best.map(({ tokens }) => tokens.length));
  // Transformers takes a pad token 0 for none here, and fills with the end token.
  const filler = padTokenId || (eosTokenIds[0] ?? padTokenId);
  return {
    sequences: best.map(({ tokens }) => padRight(tokens, longest, filler)),
    sequencesScores: best.map(({ score }) => score),
    beamIndices: best.map(({ origins }) => origins),
  };
}

/** Scores and logits, per step one row a beam, where the options ask for them. */
class KeptRows {
  readonly any: boolean;
  readonly #rows: { scores: Float32Array[]; logits: Float32Array[] } = { scores: [], logits: [] };
  readonly #wanted: { scores: boolean; logits: boolean };
  readonly #numBeams: number;
  readonly #vocabSize: number;
  readonly #total: number;

  constructor({ options }: Run, vocabSize: number, total: number) {
    this.#wanted = { scores: options.outputScores === true, logits: options.outputLogits === true };
    this.any = this.#wanted.scores || this.#wanted.logits;
    this.#numBeams = options.numBeams;
    this.#vocabSize = vocabSize;
    this.#total = total;
  }

  /** Keeps the rows of all running beams; those of a prompt's first step stand for all its beams. */
  add(kind: 'scores' | 'logits', values: Float32Array, searches: readonly Search[]): void {
    if (!this.#wanted[kind]) return;
    const size = this.#vocabSize;
    const rows = new Float32Array(this.#total * size);
    for (const { running, promptIndex } of searches) {
      for (let beam = 0; beam < this.#numBeams; beam++) {
        const { place } = running[beam] ?? running[0]!;
        const row = values.subarray(place * size, (place + 1) * size);
        rows.set(row, (promptIndex * this.#numBeams + beam) * size);
      }
    }
    this.#rows[kind].push(rows);
  }

  get output(): { scores?: Float32Array[]; logits?: Float32Array[] } {
    const { scores, logits } = this.#rows;
    return { ...(this.#wanted.scores ? { scores } : {}), ...(this.#wanted.logits ? { logits } : {}) };
  }
}
