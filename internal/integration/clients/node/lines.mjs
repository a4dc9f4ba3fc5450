// Answers requests, one JSON object a line, until the input ends. An error of a
// function becomes the answer {"error": ...}.
import { createInterface } from "node:readline";

export async function serve(functions) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    let answer;
    try {
      answer = await functions[request.op](request);
    } catch (e) {
      answer = { error: `${e.code ?? e.name}: ${e.message}` };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}
