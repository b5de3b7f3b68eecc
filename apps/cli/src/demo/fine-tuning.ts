import { join } from 'node:path';
import type { BertForSequenceClassification } from '@weft/bert';
import type { Tokenizer } from '@weft/tokenizer';
import { colors } from '../colors.js';
import { note, printLine, printTable } from '../terminal.js';
import { films, heldOut, type Sentence, toLearn } from './sentences.js';
import { cast, type Stage, within } from './stage.js';

const seed = 5;

interface Example {
  inputIds: number[];
  attentionMask: number[];
  labels: number;
}

/** The judge of film reviews learns how engineers praise and blame, from a hundred sentences. */
export async function fineTuning({ signal, outputDir }: Stage): Promise<void> {
  const folder = await cast('bert-mini-sentiment');
  const [{ pipeline }, { AutoTokenizer }, { BertForSequenceClassification: Classifier }] = await Promise.all([
    import('@weft/pipelines'),
    import('@weft/tokenizer'),
    import('@weft/bert'),
  ]);
  printLine(
    `It learnt from film reviews. Here are ${toLearn.length} sentences of engineers, such as:\n` +
      `  ${colors.green('praise')}  ${toLearn[0]!.text}\n  ${colors.red('blame')}   ${toLearn[1]!.text}`,
  );
  const tokenizer = await AutoTokenizer.fromPretrained(folder);
  using model = await Classifier.fromPretrained(folder);
  const classify = await pipeline('text-classification', model, { tokenizer });
  const judge = async (sentences: readonly Sentence[]): Promise<boolean[]> => {
    const results = await classify(
      sentences.map(({ text }) => text),
      { signal },
    );
    return results.map(({ label }) => label === 'POSITIVE');
  };
  const sets = { learnt: toLearn, heldOut, films };
  const ask = async () => ({
    learnt: await judge(sets.learnt),
    heldOut: await judge(sets.heldOut),
    films: await judge(sets.films),
  });

  const before = await ask();
  const out = join(outputDir, 'sentiment');
  const seconds = await train(model, tokenizer, { outputDir: out, signal });
  const after = await ask();
  await model.savePretrained(out);
  await tokenizer.savePretrained(out);

  printLine(
    `${seconds.toFixed(1)} s of training changed these judgements on sentences that it has not seen:`,
  );
  printChanges(before.heldOut, after.heldOut);
  printLine();
  const row = (what: string, set: keyof typeof sets): string[] => [
    what,
    score(sets[set], before[set]),
    score(sets[set], after[set]),
  ];
  printTable(
    ['judged right', 'before', 'after'],
    [
      row('engineers, learnt from', 'learnt'),
      row('engineers, held out', 'heldOut'),
      row('films, as before', 'films'),
    ],
  );
}

function encode(tokenizer: Tokenizer, sentences: readonly Sentence[]): Example[] {
  const { inputIds, attentionMask } = tokenizer.encodeBatch(sentences.map(({ text }) => text));
  return sentences.map(({ isPraise }, i) => ({
    inputIds: inputIds[i]!,
    attentionMask: attentionMask[i]!,
    labels: isPraise ? 1 : 0,
  }));
}

/** Gives the seconds that it took. */
async function train(
  model: BertForSequenceClassification,
  tokenizer: Tokenizer,
  { outputDir, signal }: { outputDir: string; signal: AbortSignal },
): Promise<number> {
  const { dataCollatorWithPadding, Trainer } = await import('@weft/trainer');
  const trainer = new Trainer<Example>({
    model,
    args: {
      outputDir,
      numTrainEpochs: 8,
      perDeviceTrainBatchSize: 8,
      learningRate: 5e-4,
      warmupRatio: 0.1,
      weightDecay: 0.01,
      loggingSteps: 20,
      saveStrategy: 'no',
      seed,
    },
    trainDataset: encode(tokenizer, toLearn),
    dataCollator: dataCollatorWithPadding({ tokenizer }),
    callbacks: [within(20)],
  });
  const started = performance.now();
  await trainer.train({ signal });
  return (performance.now() - started) / 1000;
}

function printChanges(before: readonly boolean[], after: readonly boolean[]): void {
  const shown = (isPraise: boolean, truth: boolean): string =>
    (isPraise === truth ? colors.green : colors.red)(isPraise ? 'POSITIVE' : 'NEGATIVE');
  const changes = heldOut.flatMap(({ text, isPraise }, i) =>
    before[i] === after[i] ? [] : [[text, shown(before[i]!, isPraise), shown(after[i]!, isPraise)]],
  );
  if (changes.length === 0) note('none');
  else printTable(['sentence', 'before', 'after'], changes.slice(0, 8));
}

function score(sentences: readonly Sentence[], judged: readonly boolean[]): string {
  const right = sentences.filter(({ isPraise }, i) => judged[i] === isPraise).length;
  return `${right} of ${sentences.length}`;
}
