import { DataError } from '@weft/errors';
import type { Answer, Question } from '@weft/pipelines';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import { integerOption, repeatableOption } from '../options.js';
import { answerAll, openPipeline } from '../pipelines/answers.js';
import { readWhole } from '../pipelines/inputs.js';
import { addPipelineOptions, type PipelineFlags } from '../pipelines/options.js';

interface AnswerFlags extends PipelineFlags {
  question?: string[];
  contextFile?: string;
  topK: number;
  maxAnswerTokens?: number;
  impossible?: boolean;
}

export function addAnswer(program: Command): void {
  const command = program
    .command('answer')
    .description('where in a text a question is answered')
    .argument('[context...]', 'the text; without one, --context-file or standard input')
    .addOption(repeatableOption('-q, --question <text>', 'one; several with several -q'))
    .option('-c, --context-file <path>', 'read the text from a file')
    .addOption(integerOption('-k, --top-k <k>', 'so many answers, the best first').default(1))
    .addOption(integerOption('--max-answer-tokens <n>', 'length of an answer at most; default: 15'))
    .option('--impossible', 'let there be no answer');
  addPipelineOptions(command, 'read questions and contexts from files of JSON lines')
    .addHelpText(
      'after',
      `
Examples:
  weft answer -q "What do Transformers do?" "Transformers turn text into predictions."
  weft answer -q "Who is the captain?" -q "What is hunted?" -c moby-dick.txt
  weft answer -f questions.jsonl --json        # {"question": ..., "context": ...} on each line`,
    )
    .action((context: string[], flags: AnswerFlags, self: Command) => {
      const fromFiles = flags.file !== undefined;
      if (fromFiles === (flags.question !== undefined) || (fromFiles && context.length > 0)) {
        self.error('error: give --question with a text, or --file with questions and their contexts');
      }
      return answerAll<Question, Answer[]>(async (signal) => {
        const pipe = await openPipeline('question-answering', flags, signal);
        const {
          topK,
          maxAnswerTokens: maxAnswerLen,
          impossible: handleImpossibleAnswer,
          batchSize,
          json,
        } = flags;
        const options = { topK, maxAnswerLen, handleImpossibleAnswer, batchSize };
        return {
          inputs: fromFiles ? questionsIn(flags.file!) : questionsOf(context, flags),
          noun: 'question',
          isBlank: () => false,
          answer: (questions, stop) => listed(pipe.stream(questions, { ...options, signal: stop })),
          show: ({ question }, answers) =>
            json ? `${JSON.stringify({ question, answers })}\n` : show(question, answers!),
          dispose: () => pipe.dispose(),
        };
      });
    });
}

/** One answer comes by itself, several in a list. */
async function* listed(results: AsyncIterable<Answer | Answer[]>): AsyncGenerator<Answer[], void, void> {
  for await (const result of results) yield Array.isArray(result) ? result : [result];
}

async function* questionsOf(
  context: readonly string[],
  { question, contextFile }: AnswerFlags,
): AsyncGenerator<Question, void, void> {
  const text = context.length > 0 ? context.join(' ') : await readWhole(contextFile ?? '-');
  for (const each of question!) yield { question: each, context: text };
}

async function* questionsIn(files: readonly string[]): AsyncGenerator<Question, void, void> {
  const [{ readJsonLines }, { sourceOf }] = await Promise.all([
    import('../data/lines.js'),
    import('../data/source.js'),
  ]);
  for (const path of files) {
    const source = sourceOf(path, { format: 'jsonl' });
    for await (const { line, values } of readJsonLines(source)) {
      const { question, context } = values;
      if (typeof question === 'string' && typeof context === 'string') {
        yield { question, context };
        continue;
      }
      throw new DataError({
        operation: `read ${source.name}`,
        expected: '{"question": "...", "context": "..."} on each line',
        received: `line ${line}: ${JSON.stringify(values).slice(0, 80)}`,
        remedy: 'correct that line',
        file: source.name,
        line,
      });
    }
  }
}

function show(question: string, answers: readonly Answer[]): string {
  return answers
    .map(({ answer, score, start, end }, i) => {
      const what = answer === '' ? colors.dim('no answer') : colors.bold(answer.replace(/\s+/g, ' '));
      const behind = i === 0 ? `  ${colors.dim(question.replace(/\s+/g, ' '))}` : '';
      return `${what}  ${score.toFixed(4)}  ${start}-${end}${behind}\n`;
    })
    .join('');
}
