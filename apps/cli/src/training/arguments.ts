import type { TrainingArguments } from '@weft/trainer';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { integerOption, numberOption } from '../options.js';
import { type ArgumentEntry, argumentTable, type OptionalArgument } from './argument-table.js';

/** What a verb sets where its caller does not. */
export type TrainingDefaults = Partial<Omit<TrainingArguments, 'outputDir'>>;

const entries = Object.entries(argumentTable) as [OptionalArgument, ArgumentEntry][];

/** perDeviceTrainBatchSize -> --per-device-train-batch-size; betas keep their number beside their name. */
export const optionName = (argument: string): string =>
  `--${argument.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Adds an option for every training argument, with this verb's defaults.
 *
 * @param told what help says of a default that the verb works out from other options
 */
export function addTrainingOptions(
  command: Command,
  defaults: TrainingDefaults = {},
  told: Partial<Record<OptionalArgument, string>> = {},
): Command {
  command.optionsGroup('Training arguments, as the Trainer has them:');
  for (const [name, entry] of entries) {
    const option = optionFor(name, entry);
    const own = defaults[name];
    const kept = told[name] ?? JSON.stringify(entry.default);
    if (own !== undefined) option.default(own);
    else if (kept !== undefined) option.description += ` (default: ${kept})`;
    command.addOption(option);
    // A switch that a verb turns on must be possible to turn off.
    if (entry.kind === 'switch')
      command.addOption(new Option(`--no-${optionName(name).slice(2)}`).hideHelp());
  }
  command.optionsGroup('Options:');
  return command;
}

function optionFor(name: OptionalArgument, entry: ArgumentEntry): Option {
  const flag = optionName(name);
  switch (entry.kind) {
    case 'integer':
      return integerOption(`${flag} <n>`, entry.about);
    case 'number':
      return numberOption(`${flag} <x>`, entry.about);
    case 'text':
      return new Option(`${flag} <text>`, entry.about);
    case 'choice':
      return new Option(`${flag} <name>`, entry.about).choices(entry.choices);
    case 'choices':
      return new Option(`${flag} <name...>`, entry.about).choices(entry.choices);
    case 'numbers':
      return new Option(`${flag} <name=x...>`, entry.about).argParser(namedNumbers);
    case 'switch':
      return new Option(flag, `${entry.about}; --no-${flag.slice(2)} for not`);
    case 'flag':
      return new Option(flag, entry.about);
  }
}

function namedNumbers(text: string, before: Record<string, number> = {}): Record<string, number> {
  const [name = '', value = ''] = text.split('=');
  const number = Number(value);
  if (name === '' || value.trim() === '' || !Number.isFinite(number))
    throw new InvalidArgumentError('It must be name=number.');
  return { ...before, [name]: number };
}

/** The training arguments among a command's options. */
export function trainingArguments(options: Record<string, unknown>, outputDir: string): TrainingArguments {
  const given = entries.flatMap(([name]) => {
    const value = options[name];
    if (value === undefined) return [];
    // A list of one stands for itself: all and none are no lists.
    return [
      [
        name,
        name === 'reportTo' && Array.isArray(value) && value.length === 1 && isWord(value[0])
          ? value[0]
          : value,
      ],
    ];
  });
  return { ...(Object.fromEntries(given) as TrainingDefaults), outputDir };
}

const isWord = (target: unknown): boolean => target === 'all' || target === 'none';
