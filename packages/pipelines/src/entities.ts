/** From classes of tokens to entities, as transformers has it. */
import type { Tokenizer } from '@weft/tokenizer';
import type { Parts } from './call.js';
import { labelOf } from './labels.js';
import type { TokenClassifier } from './models.js';

/** How tokens become entities. */
export type AggregationStrategy = 'none' | 'simple' | 'first' | 'average' | 'max';

/** The class of one token. */
export interface TokenEntity {
  entity: string;
  score: number;
  /** The token's place among all of its window, special ones counted. */
  index: number;
  /** The token as the vocabulary spells it. */
  word: string;
  /** UTF-16 places: `text.slice(start, end)`. */
  start: number;
  end: number;
}

/** The class of tokens that stand together. */
export interface EntityGroup {
  entityGroup: string;
  score: number;
  /** The tokens' text, as the tokenizer writes it. */
  word: string;
  /** UTF-16 places: `text.slice(start, end)`. */
  start: number;
  end: number;
}

/** A token, what the model says of it, and where it stands. */
export interface TaggedToken {
  id: number;
  index: number;
  start: number;
  end: number;
  /** A probability a class. */
  scores: Float64Array;
  /** The text that it stands for. */
  source: string;
}

/** A token or a word with its class. */
interface Part {
  entity: string;
  score: number;
  word: string;
  start: number;
  end: number;
  index: number;
}

interface Piece extends TaggedToken {
  word: string;
  isSubword: boolean;
}

/** The entities of one window, classes to be ignored among them. */
export function entitiesOf(
  { tokenizer, model }: Parts<TokenClassifier>,
  text: string,
  tokens: readonly TaggedToken[],
  strategy: AggregationStrategy,
): (TokenEntity | EntityGroup)[] {
  const pieces = piecesOf(tokenizer, text, tokens);
  const label = (id: number): string => labelOf(model.config, id);
  if (strategy === 'none') return pieces.map((piece) => tokenOf(piece, label));
  const words =
    strategy === 'simple'
      ? pieces.map((piece) => tokenOf(piece, label))
      : wordsOf(pieces).map((word) => wordOf(tokenizer, word, strategy, label));
  return groups(words).map((group) => groupOf(tokenizer, group));
}

/** Where entities of several windows overlap, the longest stays, of equally long ones the surest. */
export function withoutOverlaps<E extends { start: number; end: number; score: number }>(
  entities: readonly E[],
): E[] {
  const kept: E[] = [];
  let previous: E | undefined;
  for (const entity of [...entities].sort((a, b) => a.start - b.start)) {
    const overlaps = previous !== undefined && previous.start <= entity.start && entity.start < previous.end;
    if (!overlaps) {
      if (previous) kept.push(previous);
      previous = entity;
      continue;
    }
    const longer = entity.end - entity.start - (previous!.end - previous!.start);
    if (longer > 0 || (longer === 0 && entity.score > previous!.score)) previous = entity;
  }
  return previous ? [...kept, previous] : kept;
}

/** Tokens with their spelling, and whether each goes on with a word. */
function piecesOf(tokenizer: Tokenizer, text: string, tokens: readonly TaggedToken[]): Piece[] {
  const { continuing_subword_prefix: prefix } = tokenizer.toJson().model as Record<string, unknown>;
  const knowsWords = typeof prefix === 'string' && prefix !== '';
  return tokens.map((token) => {
    const word = tokenizer.idToToken(token.id) ?? '';
    if (token.id === tokenizer.unkTokenId) return { ...token, word: token.source, isSubword: false };
    // A tokenizer that marks what goes on with a word spells that longer than the text has it. Others are taken to go
    // on where no space stands before.
    const isSubword = knowsWords
      ? lengthOf(word) !== lengthOf(token.source)
      : token.start > 0 && !text.slice(token.start - 1, token.start + 1).includes(' ');
    return { ...token, word, isSubword };
  });
}

/** In code points, as transformers counts. */
const lengthOf = (text: string): number => [...text].length;

function best(scores: Float64Array): number {
  let place = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[place]!) place = i;
  return place;
}

function tokenOf({ scores, index, word, start, end }: Piece, label: (id: number) => string): TokenEntity {
  const id = best(scores);
  return { entity: label(id), score: scores[id]!, index, word, start, end };
}

function wordsOf(pieces: readonly Piece[]): Piece[][] {
  const words: Piece[][] = [];
  for (const piece of pieces) {
    if (piece.isSubword && words.length > 0) words.at(-1)!.push(piece);
    else words.push([piece]);
  }
  return words;
}

function wordOf(
  tokenizer: Tokenizer,
  pieces: readonly Piece[],
  strategy: 'first' | 'average' | 'max',
  label: (id: number) => string,
): Part {
  const scores = wordScores(pieces, strategy);
  const id = best(scores);
  return {
    entity: label(id),
    score: scores[id]!,
    word: tokenizer.convertTokensToString(pieces.map(({ word }) => word)),
    start: pieces[0]!.start,
    end: pieces.at(-1)!.end,
    index: pieces[0]!.index,
  };
}

function wordScores(pieces: readonly Piece[], strategy: 'first' | 'average' | 'max'): Float64Array {
  if (strategy === 'first') return pieces[0]!.scores;
  if (strategy === 'average') {
    return pieces[0]!.scores.map(
      (_, id) => pieces.reduce((sum, { scores }) => sum + scores[id]!, 0) / pieces.length,
    );
  }
  const highest = (scores: Float64Array): number => scores[best(scores)]!;
  return pieces.reduce((a, b) => (highest(b.scores) > highest(a.scores) ? b : a)).scores;
}

/** Whether a class begins an entity, and of which kind. What has no B- or I- goes on. */
function kindOf(entity: string): { begins: boolean; kind: string } {
  const marked = entity.startsWith('B-') || entity.startsWith('I-');
  return { begins: entity.startsWith('B-'), kind: marked ? entity.slice(2) : entity };
}

function groups(parts: readonly Part[]): Part[][] {
  const found: Part[][] = [];
  for (const part of parts) {
    const last = found.at(-1)?.at(-1);
    const { begins, kind } = kindOf(part.entity);
    if (last && !begins && kindOf(last.entity).kind === kind) found.at(-1)!.push(part);
    else found.push([part]);
  }
  return found;
}

function groupOf(tokenizer: Tokenizer, parts: readonly Part[]): EntityGroup {
  const { entity } = parts[0]!;
  return {
    entityGroup: entity.includes('-') ? entity.slice(entity.indexOf('-') + 1) : entity,
    score: parts.reduce((sum, { score }) => sum + score, 0) / parts.length,
    word: tokenizer.convertTokensToString(parts.map(({ word }) => word)),
    start: parts[0]!.start,
    end: parts.at(-1)!.end,
  };
}
