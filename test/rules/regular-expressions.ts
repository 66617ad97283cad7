/** Finds every regular expression of the sources, by the TypeScript compiler. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

export interface FoundExpression {
  /** `file:line`, below the folder that was searched. */
  readonly place: string;
  /** The expression; null: it is made while the program runs, so that nobody can say how long it takes. */
  readonly expression: RegExp | null;
}

/** Regular expressions of all TypeScript files below a folder: literals, and calls of `RegExp`. */
export function expressionsBelow(folder: string): FoundExpression[] {
  return ts.sys.readDirectory(folder, ['.ts']).flatMap((path) => {
    return expressionsIn(relative(folder, path), readFileSync(join(path), 'utf8'));
  });
}

export function expressionsIn(file: string, text: string): FoundExpression[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: FoundExpression[] = [];
  const visit = (node: ts.Node): void => {
    const place = `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) found.push({ place, expression: fromLiteral(node.text) });
    if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp') {
      found.push({ place, expression: null });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function fromLiteral(text: string): RegExp {
  const end = text.lastIndexOf('/');
  return new RegExp(text.slice(1, end), text.slice(end + 1));
}
