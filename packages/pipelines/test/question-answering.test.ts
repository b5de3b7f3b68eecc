import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, AnyPipeline, Question } from '../src/index.ts';
import { type Case, casesByModel, casesOf, expectAnswer, inUtf16, load, titleOf } from './cases.ts';

/** Candidates without any probability, which transformers gives where it runs out of others, are left out here. */
function possible(output: unknown, { handleImpossibleAnswer }: Record<string, unknown>): unknown {
  if (!Array.isArray(output)) return output;
  const kept = (output as Answer[]).filter(({ score }) => score > 0 || handleImpossibleAnswer === true);
  return kept.length === 1 ? kept[0] : kept;
}

function expected({ input, output, options = {}, model }: Case): unknown {
  const several = Array.isArray(input) && Array.isArray(output);
  const kept = several ? output.map((each) => possible(each, options)) : possible(output, options);
  return inUtf16({ input, output: kept, model });
}

describe('question-answering answers as transformers does', () => {
  for (const [model, cases] of casesByModel('question-answering')) {
    describe(model, () => {
      let pipe: AnyPipeline;
      beforeAll(async () => {
        pipe = await load('question-answering', model);
      });
      afterAll(() => pipe.dispose());
      for (const [place, each] of cases.entries()) {
        it(titleOf(each, place), async () => {
          const answer = await pipe(each.input, each.options);
          expectAnswer(answer, expected(each), 'answer');
          for (const [i, question] of [each.input].flat().entries()) {
            const own = Array.isArray(each.input) ? (answer as unknown[])[i] : answer;
            for (const { start, end, answer: text } of [own].flat() as Answer[]) {
              expect((question as Question).context.slice(start, end)).toBe(text);
            }
          }
        });
      }
    });
  }

  it('on more than 60 questions', () => {
    expect(casesOf('question-answering').flatMap(({ input }) => input).length).toBeGreaterThan(60);
  });
});
