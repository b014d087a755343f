/** Rows of text in columns as wide as they need to be, a line each. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => row.map((text, i) => text.padEnd(widths[i])).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
