/** What makes a fake tool end with an error; the tool adds its name and the line. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}
