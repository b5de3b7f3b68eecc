import { afterAll, beforeAll, describe, it } from 'vitest';
import type { AnyPipeline } from '../src/index.ts';
import { casesByModel, expectAnswer, load, titleOf } from './cases.ts';

const tasks = ['text-classification', 'feature-extraction', 'text-generation'];

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
            expectAnswer(await pipe(each.input, each.options), each.output, 'answer');
          });
        }
      });
    }
  });
}
