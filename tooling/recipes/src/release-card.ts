/** A model's card, as the hub shows them: front matter for programs, then what a person wants to know. */
import { type DataSource, sources } from './release-data.js';
import { type Metrics, shownNumber } from './release-metrics.js';
import type { ReleasedModel } from './release-models.js';

export interface CardFacts {
  name: string;
  words: ReleasedModel;
  metrics: Metrics;
  /** Size of model.safetensors. */
  bytes: number;
}

/** The sections that every card has, in order. */
export const headings = [
  'Use',
  'Data',
  'Recipe',
  'Metrics',
  'Limits',
  'Known biases',
  'What was tried',
  'Licence',
] as const;

/** The card as Markdown. Every number in it is one of the facts. */
export function renderCard(facts: CardFacts): string {
  const { name, words, metrics } = facts;
  const bodies: Record<(typeof headings)[number], string> = {
    Use: use(facts),
    Data: data(words),
    Recipe: recipe(facts),
    Metrics: results(metrics),
    Limits: bullets(words.limits),
    'Known biases': bullets(words.biases),
    'What was tried': tried(words, metrics),
    Licence: licence(words),
  };
  const sections = headings.map((heading) => `## ${heading}\n\n${bodies[heading]}`);
  return `${frontMatter(words)}\n# ${name}: ${words.title}\n\n${words.about}\n\n${sections.join('\n\n')}\n`;
}

function frontMatter({ languages, data: names, measures, pipeline }: ReleasedModel): string {
  const ids = [...new Set(names.flatMap((name) => (sources[name] as DataSource).id ?? []))];
  const list = (key: string, values: readonly string[]): string =>
    values.length === 0 ? '' : `${key}:\n${values.map((value) => `- ${value}\n`).join('')}`;
  return [
    '---\n',
    'license: apache-2.0\n',
    list('language', languages),
    list('datasets', ids),
    list('metrics', measures),
    `pipeline_tag: ${pipeline}\n`,
    'library_name: weft\n',
    list('tags', ['weft', 'safetensors']),
    '---\n',
  ].join('');
}

function use({ words, bytes, metrics }: CardFacts): string {
  const size = [
    ...(metrics.parameters === null ? [] : [`${metrics.parameters} million parameters`]),
    `${(bytes / 1e6).toFixed(1)} MB in half precision`,
  ].join(', ');
  const code = [
    "import { miniModel } from '@weft/mini-models';",
    "import { pipeline } from '@weft/pipelines';",
    '',
    words.example,
  ].join('\n');
  return `${size}; config.json, tokenizer.json and model.safetensors as Hugging Face has them, so that Python loads them too.\n\n\`\`\`ts\n${code}\n\`\`\``;
}

function data({ data: names, base }: ReleasedModel): string {
  const rows = names.map((name) => {
    const { title, licence: terms, about } = sources[name];
    return `| ${title} | ${about} | ${terms} |`;
  });
  const table = `| set | what | licence |\n| --- | --- | --- |\n${rows.join('\n')}`;
  const before = base
    ? '\n\nBefore that, bert-mini read the texts that [its card](../bert-mini/README.md) names.'
    : '';
  return `${table}${before}\n\nNo text of these sets is part of the package.`;
}

function recipe({ words, metrics }: CardFacts): string {
  const { seed, seconds, cpuSeconds, settings, command } = metrics;
  const rows = [
    ...(seed === null ? [] : [['seed', String(seed)]]),
    ...(seconds === null ? [] : [['time by the clock, other work of the machine included', span(seconds)]]),
    ...(cpuSeconds === null ? [] : [['time of the processor, all threads', span(cpuSeconds)]]),
    ...Object.entries(settings).map(([key, value]) => [key, String(value)]),
  ].map(([key, value]) => `| ${key} | ${value} |`);
  return `${words.recipe}

Trained by weft itself on two cores; the data folder that \`WEFT_DATA\` names holds the sets.

\`\`\`sh
${command}
\`\`\`

| setting | |
| --- | --- |
${rows.join('\n')}`;
}

/** 3725 -> '3725 s (1 h 02 min)'. */
function span(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return `${seconds} s`;
  const rest = String(minutes % 60).padStart(2, '0');
  return `${seconds} s (${minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${rest} min`})`;
}

function results({ metrics, curves, samples }: Metrics): string {
  const rows = metrics.map(({ name, value }) => `| ${name} | ${shownNumber(value)} |`);
  const table = `Measured in single precision, before the weights were rounded to half.\n\n| metric | value |\n| --- | --- |\n${rows.join('\n')}`;
  const written = samples.map((sample) => `> ${sample.trim().replace(/\s*\n\s*/g, '\n>\n> ')}`);
  return [
    table,
    ...(Object.keys(curves).length === 0 ? [] : [curveTable(curves)]),
    ...(written.length === 0 ? [] : [`What it wrote, drawn once:\n\n${written.join('\n\n')}`]),
  ].join('\n\n');
}

/** After each epoch, a column a curve. */
function curveTable(curves: Metrics['curves']): string {
  const names = Object.keys(curves);
  const length = Math.max(...Object.values(curves).map((values) => values.length));
  const rows = Array.from({ length }, (_, i) => {
    const cells = names.map((name) => (curves[name]![i] === undefined ? '' : shownNumber(curves[name]![i]!)));
    return `| ${i + 1} | ${cells.join(' | ')} |`;
  });
  return `| epoch | ${names.join(' | ')} |\n| --- |${' --- |'.repeat(names.length)}\n${rows.join('\n')}`;
}

function tried({ tried: known }: ReleasedModel, { tried: told }: Metrics): string {
  const all = [...known, ...told];
  return all.length === 0
    ? 'Settings were not searched: these are the first that were run to the end.'
    : bullets(all);
}

function licence({ data: names }: ReleasedModel): string {
  const terms = [...new Set(names.map((name) => `${sources[name].title}: ${sources[name].licence}`))];
  return `The weights are under Apache-2.0, as weft is. The terms of the data:\n\n${bullets(terms)}`;
}

const bullets = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');
