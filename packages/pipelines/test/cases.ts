import { fileURLToPath } from 'node:url';
import { readFixture } from '@weft/testing';
import { expect } from 'vitest';
import type { AnyPipeline } from '../src/index.ts';
import { pipeline } from '../src/index.ts';

/** One question to a pipeline of transformers, with its answer; names are brought into weft's spelling. */
export interface Case {
  model: string;
  input: unknown;
  options?: Record<string, unknown>;
  output: unknown;
}

export const modelFolder = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url));

const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function respelled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(respelled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [camel(name), respelled(each)]));
}

/** The recorded cases of a task. */
export function casesOf(task: string): Case[] {
  const { meta } = readFixture(new URL(`../fixtures/${task}.safetensors`, import.meta.url));
  return respelled(meta.cases) as Case[];
}

// The answers follow from the logits, and the models are held to theirs on every backend by their own packages.
const isSlow = process.env.WEFT_TEST_BACKEND !== 'native';

/** The cases by model, so that each is loaded once. On slow backends every fourth. */
export function casesByModel(task: string): [model: string, cases: Case[]][] {
  const byModel = new Map<string, Case[]>();
  const cases = casesOf(task).filter((_, place) => !isSlow || place % 4 === 0);
  for (const each of cases) byModel.set(each.model, [...(byModel.get(each.model) ?? []), each]);
  return [...byModel];
}

/** A pipeline over a checkpoint of the fixtures. */
export async function load(task: string, name: string): Promise<AnyPipeline> {
  return pipeline(task, modelFolder(name), { warn: () => {} });
}

/** Deep equality with the tolerance of models for numbers that are no whole ones. */
export function expectAnswer(actual: unknown, expected: unknown, where: string): void {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const isClose = Math.abs(actual - expected) <= 1e-5 + 1e-4 * Math.abs(expected);
    if (!isClose) expect.fail(`${where}: ${actual}, expected ${expected}`);
    return;
  }
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) {
    expect(actual, where).toEqual(expected);
    return;
  }
  expect(Object.keys(actual).sort(), where).toEqual(Object.keys(expected).sort());
  for (const [name, each] of Object.entries(expected)) {
    expectAnswer((actual as Record<string, unknown>)[name], each, `${where}.${name}`);
  }
}

/** What a case asks, for the name of its test. */
export function titleOf({ input, options = {} }: Case, place: number): string {
  return `${place}: ${JSON.stringify(input).slice(0, 60)} ${JSON.stringify(options)}`;
}

/** Python counts code points; weft's places are what JavaScript indexes. */
export function inUtf16({ input, output }: Case): unknown {
  if (Array.isArray(input) && Array.isArray(output)) {
    return output.map((each, i) => moved(each, textOf(input[i])));
  }
  return moved(output, textOf(input));
}

function textOf(input: unknown): string {
  return typeof input === 'string' ? input : String((input as { context?: unknown })?.context ?? '');
}

function moved(value: unknown, text: string): unknown {
  if (Array.isArray(value)) return value.map((each) => moved(each, text));
  if (typeof value !== 'object' || value === null || !('start' in value)) return value;
  const { start, end } = value as unknown as { start: number; end: number };
  const points = [...text];
  const place = (count: number): number => points.slice(0, count).join('').length;
  return { ...value, start: place(start), end: place(end) };
}
