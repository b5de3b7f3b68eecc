import { asBoolean, asId, asList, asObject, asString, type Json, optional } from './json.js';
import { isWhiteSpace, isWordCharacter } from './unicode.js';

/** A token that is found in the text before the model sees it. */
export interface AddedToken {
  id: number;
  content: string;
  singleWord: boolean;
  lstrip: boolean;
  rstrip: boolean;
  /** Found in the normalized text, in place of the text as it was given. */
  normalized: boolean;
  special: boolean;
}

export function readAddedTokens(value: Json | undefined): AddedToken[] {
  if (value === null || value === undefined) return [];
  return asList(value, 'added_tokens').map((entry, i) => {
    const where = `added_tokens[${i}]`;
    const config = asObject(entry, where);
    return readAddedToken(config, asId(config.id, `${where}.id`), where);
  });
}

export function readAddedToken(value: Json, id: number, where: string): AddedToken {
  const config = asObject(value, where);
  const special = optional(config.special, `${where}.special`, asBoolean, false);
  return {
    id,
    content: asString(config.content, `${where}.content`),
    singleWord: optional(config.single_word, `${where}.single_word`, asBoolean, false),
    lstrip: optional(config.lstrip, `${where}.lstrip`, asBoolean, false),
    rstrip: optional(config.rstrip, `${where}.rstrip`, asBoolean, false),
    normalized: optional(config.normalized, `${where}.normalized`, asBoolean, !special),
    special,
  };
}

/** A stretch of text: an added token where `id` is not -1. */
export interface Stretch {
  from: number;
  to: number;
  id: number;
}

/** Finds added tokens: the leftmost, and the longest of those. */
export class AddedTokenFinder {
  private readonly byFirst = new Map<number, { content: string; token: AddedToken }[]>();
  private readonly firsts: string[];
  readonly isEmpty: boolean;

  constructor(tokens: readonly AddedToken[], normalize: (content: string) => string = (content) => content) {
    for (const token of tokens) {
      const content = normalize(token.content);
      if (content === '') continue;
      const first = content.charCodeAt(0);
      const list = this.byFirst.get(first) ?? [];
      list.push({ content, token });
      this.byFirst.set(first, list);
    }
    for (const list of this.byFirst.values()) list.sort((a, b) => b.content.length - a.content.length);
    this.firsts = [...this.byFirst.keys()].map((unit) => String.fromCharCode(unit));
    this.isEmpty = this.byFirst.size === 0;
  }

  /** The text in stretches, in order; empty ones are left out. */
  split(text: string): Stretch[] {
    const out: Stretch[] = [];
    let end = 0;
    for (const hit of this.matches(text)) {
      const { token } = hit;
      let { from, to } = hit;
      if (token.singleWord && !(isWordFree(text, from, -1) && isWordFree(text, to, 1))) continue;
      if (token.lstrip) {
        while (from > end && isWhiteSpace(text.charCodeAt(from - 1))) from--;
      }
      if (token.rstrip) while (to < text.length && isWhiteSpace(text.charCodeAt(to))) to++;
      if (from > end) out.push({ from: end, to: from, id: -1 });
      out.push({ from, to, id: token.id });
      end = to;
    }
    if (end < text.length) out.push({ from: end, to: text.length, id: -1 });
    return out;
  }

  private *matches(text: string): Generator<{ from: number; to: number; token: AddedToken }> {
    // The next place of each first character; native search passes over text without any quickly.
    const nexts = this.firsts.map((first) => text.indexOf(first));
    for (;;) {
      let at = -1;
      for (const next of nexts) if (next >= 0 && (at < 0 || next < at)) at = next;
      if (at < 0) return;
      const hit = this.byFirst.get(text.charCodeAt(at))?.find(({ content }) => text.startsWith(content, at));
      const resume = hit ? at + hit.content.length : at + 1;
      if (hit) yield { from: at, to: resume, token: hit.token };
      for (let i = 0; i < nexts.length; i++) {
        if (nexts[i]! >= 0 && nexts[i]! < resume) nexts[i] = text.indexOf(this.firsts[i]!, resume);
      }
    }
  }
}

/** True when no word character stands beside the place `at` on that side. */
function isWordFree(text: string, at: number, side: -1 | 1): boolean {
  if (side === 1) return at >= text.length || !isWordCharacter(text.codePointAt(at)!);
  if (at === 0) return true;
  const unit = text.charCodeAt(at - 1);
  const isPair = unit >= 0xdc00 && unit <= 0xdfff && at > 1;
  return !isWordCharacter(isPair ? text.codePointAt(at - 2)! : unit);
}
