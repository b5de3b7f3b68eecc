import { allVerbs, type Verb } from './verbs.js';

/** A completion script for bash 3.2 and later: verbs, options, the words that an option takes; else files. */
export function bashScript(root: Verb): string {
  const name = root.path[0]!;
  const verbs = allVerbs(root);
  return `# Completion of ${name} for bash. To have it in every shell:
#   ${name} completion bash > ~/.local/share/bash-completion/completions/${name}
_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" verb=${name} words= valued= i
  # bash parts --option=value into three words.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$verb \${COMP_WORDS[i]}" in
      ${pattern(verbs.slice(1).map(({ path }) => path.join(' ')))}) verb="$verb \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$verb $prev" in
${verbs.flatMap(choicesOf).join('\n')}
  esac
  case "$verb" in
${verbs.map(caseOf).join('\n')}
  esac
  case " $valued " in *" $prev "*) return ;; esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
# Where nothing else fits, files.
complete -o bashdefault -o default -F _${name} ${name}
`;
}

const pattern = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(' | ');

const flagsOf = ({ long, short }: { long: string; short?: string }): string[] =>
  short ? [short, long] : [long];

function choicesOf({ path, options }: Verb): string[] {
  return options
    .filter(({ choices }) => choices.length > 0)
    .map((option) => {
      const when = pattern(flagsOf(option).map((flag) => `${path.join(' ')} ${flag}`));
      return `    ${when}) COMPREPLY=($(compgen -W "${option.choices.join(' ')}" -- "$cur")); return ;;`;
    });
}

function caseOf({ path, verbs, options, words }: Verb): string {
  const all = options.flatMap(flagsOf);
  const valued = options.filter(({ takesValue }) => takesValue).flatMap(flagsOf);
  const plain = [...verbs.map((verb) => verb.path.at(-1)!), ...words];
  return `    ${pattern([path.join(' ')])})
      local options="${all.join(' ')}"
      valued="${valued.join(' ')}" words="${plain.join(' ')}" ;;`;
}
