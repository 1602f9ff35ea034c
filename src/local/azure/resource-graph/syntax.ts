// A parsed query as data: the steps of the pipe and the expressions inside them.

export type Expression =
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }
  | { readonly type: 'timespan'; readonly milliseconds: number }
  | { readonly type: 'column'; readonly name: string }
  | { readonly type: 'member'; readonly object: Expression; readonly key: Expression }
  | { readonly type: 'call'; readonly name: string; readonly arguments: readonly Expression[] }
  | {
      readonly type: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: 'membership';
      readonly operator: string;
      readonly left: Expression;
      readonly candidates: readonly Expression[];
    };

export interface NamedExpression {
  readonly name: string;
  readonly expression: Expression;
}

export interface OrderTerm {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export type QueryStep =
  | { readonly type: 'where'; readonly condition: Expression }
  | { readonly type: 'extend'; readonly columns: readonly NamedExpression[] }
  | { readonly type: 'project'; readonly columns: readonly NamedExpression[] }
  | { readonly type: 'projectAway'; readonly names: readonly string[] }
  | { readonly type: 'order'; readonly terms: readonly OrderTerm[] }
  | { readonly type: 'take'; readonly rows: number }
  | { readonly type: 'distinct'; readonly columns: readonly NamedExpression[] }
  | { readonly type: 'count' }
  | {
      readonly type: 'summarize';
      readonly aggregates: readonly NamedExpression[];
      readonly by: readonly NamedExpression[];
    };

export interface Query {
  readonly table: string;
  readonly steps: readonly QueryStep[];
}
