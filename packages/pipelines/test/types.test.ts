import { describe, expectTypeOf, it } from 'vitest';
import type {
  Answer,
  AnyPipeline,
  EntityGroup,
  GeneratedIds,
  GeneratedText,
  MaskFillings,
  Summary,
  TextClassification,
  TokenEntity,
  Translation,
  ZeroShotClassification,
} from '../src/index.ts';
import { pipeline } from '../src/index.ts';

/** Only the types count: nothing here is called. */
describe('the types that follow from a task', () => {
  const question = { question: 'Who?', context: 'The weaver.' };

  it('are its results', () => {
    const check = async (): Promise<void> => {
      const classify = await pipeline('sentiment-analysis');
      expectTypeOf(await classify('x')).toEqualTypeOf<TextClassification[]>();
      expectTypeOf(await classify(['x'], { topK: 2 })).toEqualTypeOf<TextClassification[][]>();
      for await (const each of classify.stream(['x'])) expectTypeOf(each).toEqualTypeOf<TextClassification>();
      const answer = await pipeline('question-answering');
      expectTypeOf(await answer(question)).toEqualTypeOf<Answer>();
      expectTypeOf(await answer([question])).toEqualTypeOf<Answer[]>();
      expectTypeOf(await answer(question, { topK: 3 })).toEqualTypeOf<Answer | Answer[]>();
      const write = await pipeline('text-generation', 'gpt2');
      expectTypeOf(await write('x')).toEqualTypeOf<GeneratedText[]>();
      expectTypeOf(await write(['x'])).toEqualTypeOf<GeneratedText[][]>();
      expectTypeOf(await write('x', { returnTensors: true })).toEqualTypeOf<GeneratedIds[]>();
      const tag = await pipeline('ner');
      expectTypeOf(await tag('x')).toEqualTypeOf<TokenEntity[]>();
      expectTypeOf(await tag('x', { aggregationStrategy: 'max' })).toEqualTypeOf<EntityGroup[]>();
      const fill = await pipeline('fill-mask');
      expectTypeOf(await fill('x')).toEqualTypeOf<MaskFillings>();
      const extract = await pipeline('feature-extraction');
      expectTypeOf(await extract('x')).toEqualTypeOf<number[][][]>();
      expectTypeOf(await extract(['x'], { pooling: 'mean' })).toEqualTypeOf<number[][]>();
      const choose = await pipeline('zero-shot-classification');
      expectTypeOf(await choose('x', { candidateLabels: ['a'] })).toEqualTypeOf<ZeroShotClassification>();
    };
    expectTypeOf(check).toBeFunction();
  });

  it('are those of texts from texts', () => {
    const check = async (): Promise<void> => {
      const translate = await pipeline('translation_en_to_de');
      expectTypeOf(await translate('x')).toEqualTypeOf<Translation[]>();
      expectTypeOf(await translate(['x'], { numBeams: 2 })).toEqualTypeOf<Translation[]>();
      const summarize = await pipeline('summarization');
      expectTypeOf(await summarize(['x'])).toEqualTypeOf<Summary[]>();
      const rewrite = await pipeline('text2text-generation');
      expectTypeOf(await rewrite('x')).toEqualTypeOf<GeneratedText[]>();
      const task: string = 'ner';
      expectTypeOf(await pipeline(task)).toEqualTypeOf<AnyPipeline>();
    };
    expectTypeOf(check).toBeFunction();
  });
});
