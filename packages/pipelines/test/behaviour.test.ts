import * as tf from '@tensorflow/tfjs';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { AutoTokenizer } from '@weft/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  PipelineProgress,
  QuestionAnsweringPipeline,
  TextClassificationPipeline,
  TextGenerationPipeline,
  TranslationPipeline,
} from '../src/index.ts';
import { pipeline } from '../src/index.ts';
import { casesByModel, load, modelFolder } from './cases.ts';

let classify: TextClassificationPipeline;
let write: TextGenerationPipeline;
let translate: TranslationPipeline;
beforeAll(async () => {
  classify = await pipeline('sentiment-analysis', modelFolder('sentiment'));
  write = await pipeline('text-generation', modelFolder('writer'));
  translate = await pipeline('translation_en_to_fr', modelFolder('translator'));
});
afterAll(() => {
  classify.dispose();
  write.dispose();
  translate.dispose();
});

const texts = [
  'The loom.',
  'The sea, the sea, the sea!',
  'x',
  'Pears and honey.',
  'Fog',
  'A red ribbon',
  'Owls',
];

describe('a pipeline', () => {
  it('says what it is', () => {
    expect(classify.task).toBe('sentiment-analysis');
    expect(classify.modelName).toBe(modelFolder('sentiment'));
    expect(classify.model.config.model_type).toBe('distilbert');
    expect(classify.tokenizer.modelMaxLength).toBe(128);
  });

  it('gives one answer an input, whatever the batches', async () => {
    const alone = await classify(texts, { batchSize: 1 });
    const together = await classify(texts, { batchSize: 4 });
    expect(together.map(({ label }) => label)).toEqual(alone.map(({ label }) => label));
    together.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(alone[i]!.score, 5);
    });
    expect(await classify([])).toEqual([]);
  });

  it('takes a model of the caller, and leaves it to the caller', async () => {
    const folder = modelFolder('writer');
    using model = await GPT2LMHeadModel.fromPretrained(folder);
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    const own = await pipeline('text-generation', model, { tokenizer });
    const options = { doSample: false, maxNewTokens: 3 };
    expect(await own('The', options)).toEqual(await write('The', options));
    expect(own.modelName).toBe('GPT2LMHeadModel');
    own.dispose();
    expect(model.transformer.wte.weight.isDisposed).toBe(false);
    await expect(own('The')).rejects.toThrow('one that was disposed');
  });

  it('is freed when what it has begun is done', async () => {
    const before = tf.memory().numTensors;
    const pipe = await pipeline('text-generation', modelFolder('writer'));
    const work = pipe('The', { maxNewTokens: 5, doSample: false });
    const steps = pipe.streamTokens('The', { maxNewTokens: 5 });
    await steps.next();
    pipe.dispose();
    expect(await work).toHaveLength(1);
    await expect(steps.next()).rejects.toThrow('one that was disposed');
    await expect(pipe('The')).rejects.toThrow('one that was disposed');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('tells how far it is', async () => {
    const told: PipelineProgress[] = [];
    await classify(texts, { batchSize: 3, onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([
      { done: 3, total: 7 },
      { done: 6, total: 7 },
      { done: 7, total: 7 },
    ]);
  });

  it('leaks no tensor', async () => {
    for (const [task, name] of [
      ['text-classification', 'sentiment'],
      ['feature-extraction', 'topics'],
      ['fill-mask', 'masked-bert'],
      ['token-classification', 'tagger-bert'],
      ['question-answering', 'reader-bert'],
      ['zero-shot-classification', 'nli'],
      ['text-generation', 'writer'],
    ] as const) {
      const before = tf.memory().numTensors;
      const pipe = await load(task, name);
      const loaded = tf.memory().numTensors;
      for (const { input, options } of casesByModel(task)
        .find(([model]) => model === name)![1]
        .slice(0, 4)) {
        await pipe(input, options);
      }
      expect(tf.memory().numTensors, task).toBe(loaded);
      pipe.dispose();
      pipe.dispose();
      expect(tf.memory().numTensors, task).toBe(before);
    }
    const before = tf.memory().numTensors;
    await translate(texts, { maxNewTokens: 3 });
    for await (const _ of translate.streamTokens('The loom.', { maxNewTokens: 8 })) break;
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a stream', () => {
  it('takes no more than a batch ahead, in order, in constant memory', async () => {
    let taken = 0;
    async function* many(): AsyncGenerator<string> {
      for (; taken < 300; taken++) yield texts[taken % texts.length]!;
    }
    const expected = await classify(texts);
    const tensors = tf.memory().numTensors;
    let place = 0;
    for await (const { label } of classify.stream(many(), { batchSize: 5 })) {
      expect(label).toBe(expected[place % texts.length]!.label);
      expect(taken).toBeLessThan(place + 5 + 1);
      place++;
      if (place % 50 === 0) expect(tf.memory().numTensors).toBe(tensors);
    }
    expect(place).toBe(300);
  });

  it('ends its source when it is left', async () => {
    let ended = false;
    async function* source(): AsyncGenerator<string> {
      try {
        for (;;) yield 'x';
      } finally {
        ended = true;
      }
    }
    for await (const _ of classify.stream(source())) break;
    expect(ended).toBe(true);
  });

  it('gives what came before a bad input, and before a failure of its source', async () => {
    const answered = async (inputs: Iterable<unknown>): Promise<[number, unknown]> => {
      let count = 0;
      try {
        for await (const _ of classify.stream(inputs as Iterable<string>)) count++;
      } catch (error) {
        return [count, error];
      }
      return [count, undefined];
    };
    expect(await answered(['x', 'y', 7, 'z'])).toEqual([2, expect.objectContaining({ code: 'WEFT_INPUT' })]);
    const broken = new Error('broken');
    function* source(): Generator<string> {
      yield 'x';
      throw broken;
    }
    expect(await answered(source())).toEqual([1, broken]);
  });

  it('takes a list too, and gives each input what a list gives it', async () => {
    const options = { topK: null };
    const seen = [];
    for await (const each of classify.stream(texts, options)) seen.push(each);
    expect(seen).toEqual(await classify(texts, options));
  });
});

describe('a stream of tokens', () => {
  it('gives the text that the pipeline gives', async () => {
    const options = { doSample: false, maxNewTokens: 20 };
    const [whole] = await write('The old weaver', {
      ...options,
      returnFullText: false,
      cleanUpTokenizationSpaces: false,
    });
    let text = '';
    let tokens = 0;
    for await (const step of write.streamTokens('The old weaver', options)) {
      text += step.text;
      if (step.token !== undefined) tokens++;
    }
    expect(text).toBe(whole!.generatedText);
    expect(tokens).toBe(20);
  });

  it('tells what else might have come', async () => {
    for await (const step of write.streamTokens('The', {
      doSample: false,
      maxNewTokens: 4,
      alternatives: 3,
    })) {
      if (step.token === undefined) continue;
      expect(step.alternatives).toHaveLength(3);
      expect(step.alternatives![0]).toMatchObject({ token: step.token, probability: step.probability });
      expect(step.probability).toBeLessThan(1);
    }
  });

  it('draws what the pipeline draws', async () => {
    const options = { seed: 3, maxNewTokens: 6 };
    const [whole] = await write('The', { ...options, returnTensors: true });
    const tokens = [];
    for await (const { token } of write.streamTokens('The', options))
      if (token !== undefined) tokens.push(token);
    expect(whole!.generatedTokenIds.slice(-6)).toEqual(tokens);
  });

  it('serves encoder-decoders, without their default beams', async () => {
    const options = { maxNewTokens: 10, noRepeatNgramSize: 2 };
    const [whole] = await translate('The loom.', { ...options, numBeams: 1 });
    let text = '';
    for await (const step of translate.streamTokens('The loom.', options)) text += step.text;
    expect(text).toBe(whole!.translationText);
    const beams = translate.streamTokens('The loom.', { ...options, numBeams: 2 });
    await expect(beams.next()).rejects.toMatchObject({ code: 'WEFT_GENERATION' });
  });
});

describe('text generation', () => {
  it('samples by default, the same text for the same seed, another for each prompt', async () => {
    const options = { maxNewTokens: 8, seed: 5, returnTensors: true as const };
    const first = await write(['The', 'The', 'The'], { ...options, batchSize: 2 });
    expect(await write(['The', 'The', 'The'], { ...options, batchSize: 2 })).toEqual(first);
    expect(new Set(first.map(([text]) => String(text!.generatedTokenIds))).size).toBe(3);
  });

  it('takes no more new tokens than there is room for, unless it is asked to', async () => {
    const [all] = await write('The', { returnTensors: true, seed: 1, eosTokenId: [] });
    expect(all!.generatedTokenIds).toHaveLength(96);
    await expect(write('The', { maxNewTokens: 200 })).rejects.toMatchObject({ code: 'WEFT_GENERATION' });
  });

  it('goes by a maxLength of the call', async () => {
    const [row] = await write('The', { maxLength: 7, doSample: false, returnTensors: true });
    expect(row!.generatedTokenIds).toHaveLength(7);
  });
});

describe('a signal', () => {
  const reason = new Error('enough');
  const aborted = AbortSignal.abort(reason);

  it('stops before anything is done', async () => {
    await expect(classify(texts, { signal: aborted })).rejects.toBe(reason);
    await expect(write('The', { signal: aborted })).rejects.toBe(reason);
    await expect(classify.stream(texts, { signal: aborted }).next()).rejects.toBe(reason);
    await expect(write.streamTokens('The', { signal: aborted }).next()).rejects.toBe(reason);
    await expect(pipeline('ner', modelFolder('tagger-bert'), { signal: aborted })).rejects.toBe(reason);
  });

  it('stops between two batches', async () => {
    const control = new AbortController();
    let done = 0;
    const work = classify(texts, {
      batchSize: 2,
      signal: control.signal,
      onProgress: (progress) => {
        done = progress.done;
        if (done === 4) control.abort(reason);
      },
    });
    await expect(work).rejects.toBe(reason);
    expect(done).toBe(4);
  });

  it('stops within one token', async () => {
    const tensors = tf.memory().numTensors;
    const control = new AbortController();
    let tokens = 0;
    const generate = async (): Promise<void> => {
      for await (const _ of write.streamTokens('The', {
        maxNewTokens: 90,
        signal: control.signal,
        eosTokenId: [],
      })) {
        if (++tokens === 5) control.abort(reason);
      }
    };
    await expect(generate()).rejects.toBe(reason);
    expect(tokens).toBe(5);
    const later = new AbortController();
    setTimeout(() => later.abort(reason), 5);
    await expect(translate(texts, { maxNewTokens: 2000, eosTokenId: [], signal: later.signal })).rejects.toBe(
      reason,
    );
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('ends the waiting for a source that is silent', async () => {
    async function* silent(): AsyncGenerator<string> {
      yield 'x';
      await new Promise(() => {});
    }
    const control = new AbortController();
    const stream = classify.stream(silent(), { batchSize: 1, signal: control.signal });
    expect((await stream.next()).value).toHaveProperty('label');
    setTimeout(() => control.abort(reason), 5);
    await expect(stream.next()).rejects.toBe(reason);
  });

  it('stops between the windows of a long context', async () => {
    using answer: QuestionAnsweringPipeline = await pipeline(
      'question-answering',
      modelFolder('reader-bert'),
    );
    const control = new AbortController();
    const context = 'The loom stands by the window. '.repeat(400);
    const work = answer({ question: 'Where?', context }, { batchSize: 1, signal: control.signal });
    setTimeout(() => control.abort(reason), 5);
    await expect(work).rejects.toBe(reason);
  });
});
