import { DataError } from '@weft/errors';
import { type Command, Option } from 'commander';
import { measured } from '../data/measured.js';
import { type OutputFormat, outputFormat, outputFormats, rowFormatter, withSink } from '../data/output.js';
import { badRow, type Row, type Source, sourceOf } from '../data/source.js';
import type { LoadedPredictor } from '../inference/load.js';
import type { Predictor } from '../inference/predictor.js';
import { withInterrupt } from '../interrupt.js';
import { integerOption, jsonOption, localFilesOnlyOption, revisionOption } from '../options.js';
import type { DataFlags } from '../tasks/task.js';
import { note } from '../terminal.js';
import { addDataOptions } from '../training/data-options.js';

interface PredictFlags extends DataFlags {
  model: string;
  data: string;
  output?: string;
  outputFormat?: OutputFormat;
  batchSize: number;
  allScores?: boolean;
  numBeams?: number;
  allowNoAnswer?: boolean;
  revision?: string;
  localFilesOnly?: boolean;
  json?: boolean;
}

/** Batches that are read at a time, so that texts of like length can be put together. */
const batchesAtOnce = 8;

export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('answers for every row of a file, of any size')
    .requiredOption('-m, --model <model>', 'folder or id on the hub; its head says the task')
    .option('--data <file>', 'csv, tsv, jsonl, or txt with a text a line; "-" for standard input', '-')
    .option('-o, --output <file>', 'jsonl, csv or tsv; default: standard output, as jsonl')
    .addOption(new Option('--output-format <name>', 'overrules the name').choices(outputFormats))
    .addOption(integerOption('--batch-size <n>', 'texts at a time').default(16))
    .option('--all-scores', 'classification: the probability of every class')
    .option('--allow-no-answer', 'question answering: an empty answer where the model finds none')
    .addOption(integerOption('--num-beams <n>', 'translation: beam search over n beams'))
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption());
  addDataOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  weft predict -m ./out --data reviews.csv -o scored.csv
  weft predict -m ./out --data reviews.jsonl --text-column body --all-scores -o scored.jsonl
  echo "A lovely film." | weft predict -m ./out
  zcat huge.jsonl.gz | weft predict -m ./out --data - --format jsonl | gzip > scored.jsonl.gz

Each row is written with its prediction behind it. A bad row ends the run and nothing is written to --output; with
--skip-bad-rows it is written with the reason in a column "error".`,
    )
    .action((flags: PredictFlags) =>
      withInterrupt(
        (signal) => predict(flags, signal),
        flags.output === undefined ? undefined : `${flags.output} is as it was before`,
      ),
    );
}

async function predict(flags: PredictFlags, signal: AbortSignal): Promise<void> {
  const format = outputFormat(flags.output, flags.json ? 'jsonl' : flags.outputFormat);
  const given = sourceOf(flags.data, flags);
  const [{ setBackend }, { loadPredictor }] = await Promise.all([
    import('@weft/backend'),
    import('../inference/load.js'),
  ]);
  await setBackend();
  const loaded: LoadedPredictor = await loadPredictor(flags.model, flags, note);
  const predictor = loaded.predictor as Predictor;
  const { source, stop } = measured(given, flags.data);
  const started = performance.now();
  let count = 0;
  try {
    await withSink(flags.output, async (sink) => {
      const write = await rowFormatter(format);
      for await (const rows of predictions(source, predictor, flags, signal)) {
        count += rows.length;
        await sink(write(rows));
      }
      requireRows(count, source);
    });
  } finally {
    stop();
    predictor.dispose();
  }
  const seconds = (performance.now() - started) / 1000;
  note(`${count} rows in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} a second`);
}

/** Rows with their predictions, a few batches at a time: memory does not grow with the file. */
async function* predictions(
  source: Source,
  predictor: Predictor,
  { batchSize, skipBadRows }: PredictFlags,
  signal: AbortSignal,
): AsyncGenerator<Record<string, unknown>[], void, void> {
  const [{ readRows }, { inChunks }] = await Promise.all([
    import('../data/rows.js'),
    import('../inference/batches.js'),
  ]);
  const read = predictor.reader(source);
  const columns = [...predictor.columns, ...(skipBadRows ? ['error'] : [])];
  for await (const rows of inChunks(readRows(source), batchSize * batchesAtOnce)) {
    signal.throwIfAborted();
    checkColumns(source, rows[0]!, columns);
    const inputs = rows.map((row) => inputOf(read, row, skipBadRows === true));
    const good = inputs.filter((input) => 'value' in input).map(({ value }) => value);
    const found = good.length > 0 ? await predictor.predict(good, signal) : [];
    let next = 0;
    yield rows.map((row, i) => {
      const { error } = inputs[i]!;
      const answer = error === undefined ? found[next++]! : {};
      const empty = Object.fromEntries(columns.map((name) => [name, null]));
      return { ...row.values, ...empty, ...answer, ...(error === undefined ? {} : { error }) };
    });
  }
}

function inputOf(
  read: (row: Row) => unknown,
  row: Row,
  skipBadRows: boolean,
): { value?: unknown; error?: string } {
  try {
    return { value: read(row) };
  } catch (error) {
    if (!skipBadRows || !(error instanceof DataError)) throw error;
    return { error: `${error.received}; expected ${error.expected}` };
  }
}

/** A column of the file must not be written over. */
function checkColumns(source: Source, row: Row, added: readonly string[]): void {
  const taken = added.find((name) => name in row.values);
  if (taken === undefined) return;
  throw badRow(source, row.line, {
    expected: `no column ${added.join(', ')}, which predictions take`,
    received: `a column "${taken}"`,
    remedy: 'rename that column',
  });
}

function requireRows(count: number, source: Source): void {
  if (count > 0) return;
  throw new DataError({
    operation: `read ${source.name}`,
    expected: 'at least one row',
    received: 'none',
    remedy: 'name a file with rows',
    file: source.name,
  });
}
