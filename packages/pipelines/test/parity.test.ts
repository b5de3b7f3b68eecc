import { afterAll, beforeAll, describe, it } from 'vitest';
import type { AnyPipeline } from '../src/index.ts';
import { casesByModel, expectAnswer, inUtf16, load, titleOf } from './cases.ts';

const tasks = [
  'text-classification',
  'feature-extraction',
  'text-generation',
  'fill-mask',
  'token-classification',
  'zero-shot-classification',
];

for (const task of tasks) {
  describe(`${task} answers as transformers does`, () => {
    for (const [model, cases] of casesByModel(task)) {
      describe(model, () => {
        let pipe: AnyPipeline;
        beforeAll(async () => {
          pipe = await load(task, model);
        });
        afterAll(() => pipe.dispose());
        for (const [place, each] of cases.entries()) {
          it(titleOf(each, place), async () => {
            expectAnswer(await pipe(each.input, each.options), inUtf16(each), 'answer');
          });
        }
      });
    }
  });
}

describe('text to text answers as transformers does', () => {
  for (const [task, cases] of casesByModel('text-to-text')) {
    describe(task, () => {
      let pipe: AnyPipeline;
      beforeAll(async () => {
        const [name, model] = task.split(':') as [string, string];
        pipe = await load(name, model);
      });
      afterAll(() => pipe.dispose());
      for (const [place, each] of cases.entries()) {
        it(titleOf(each, place), async () => {
          expectAnswer(await pipe(each.input, each.options), each.output, 'answer');
        });
      }
    });
  }
});
