import { z } from 'zod';

/** The name of a model in a request; what it may be is the pool's concern. */
export const modelName = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('An id of GET /v1/models. Default: the first model that can do this');

/** Longest text of a request, in UTF-16 units: tokenizing more would keep a model from everybody else. */
export const MAX_TEXT = 200_000;
export const text = z.string().max(MAX_TEXT);

const tokens = z.array(z.int().min(0)).min(1).max(8192);

/** OpenAI's four forms of a text: a string, strings, ids, lists of ids. */
export const texts = (limit: number) =>
  z.union([text, z.array(text).min(1).max(limit), tokens, z.array(tokens).min(1).max(limit)]);

/** The four forms as one list. */
export function listOf(given: string | string[] | number[] | number[][]): (string | number[])[] {
  if (typeof given === 'string') return [given];
  return typeof given[0] === 'number' ? [given as number[]] : (given as (string | number[])[]);
}

export const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
  }),
});

export const failures = {
  400: errorSchema,
  401: errorSchema,
  404: errorSchema,
  413: errorSchema,
  429: errorSchema,
  503: errorSchema,
  504: errorSchema,
};

/** Null counts as not given, as OpenAI has it. */
export const optional = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);
