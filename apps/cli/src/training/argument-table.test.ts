import { resolveArguments, schedulerTypes, type TrainingArguments } from '@weft/trainer';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { argumentTable } from './argument-table.js';
import { addTrainingOptions, optionName, trainingArguments } from './arguments.js';

it('tells the defaults that the Trainer has', () => {
  const resolved = resolveArguments({ outputDir: 'out' }) as unknown as Record<string, unknown>;
  for (const [name, entry] of Object.entries(argumentTable))
    if (entry.default !== undefined) expect([name, entry.default]).toEqual([name, resolved[name]]);
  expect(argumentTable.lrSchedulerType.choices).toEqual(schedulerTypes);
});

it('makes an option of every argument, which the Trainer takes', () => {
  const sample: Record<string, string[]> = {
    integer: ['4'],
    number: ['0.5'],
    text: ['name'],
    numbers: ['power=2', 'lrEnd=0.1'],
    flag: [],
    switch: [],
  };
  const args = Object.entries(argumentTable).flatMap(([name, { kind, choices }]) => [
    optionName(name),
    ...(choices ? [choices.includes('epoch') ? 'epoch' : choices[0]!] : sample[kind]!),
  ]);
  const command = addTrainingOptions(new Command());
  command.parse(args, { from: 'user' });
  const parsed = trainingArguments(command.opts(), 'out');
  expect(Object.keys(parsed).sort()).toEqual([...Object.keys(argumentTable), 'outputDir'].sort());
  expect(parsed.lrSchedulerKwargs).toEqual({ power: 2, lrEnd: 0.1 });
  expect(parsed.reportTo).toBe('all');
  resolveArguments(parsed);
});

it("takes a verb's defaults, and lets them be turned off", () => {
  const parse = (...args: string[]): TrainingArguments => {
    const command = addTrainingOptions(new Command(), { loadBestModelAtEnd: true, learningRate: 1e-3 });
    command.parse(args, { from: 'user' });
    return trainingArguments(command.opts(), 'out');
  };
  expect(parse()).toEqual({ loadBestModelAtEnd: true, learningRate: 1e-3, outputDir: 'out' });
  expect(parse('--no-load-best-model-at-end').loadBestModelAtEnd).toBe(false);
});
