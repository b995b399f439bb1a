// A process that runs one command line after another, as it is told: no start of Node.js for each.
const { runProgram } = await import(process.argv[2]);

process.on("message", async ({ argv }) => {
  let err = "";
  const code = await runProgram(argv, {
    out: { write: () => undefined },
    err: { write: (text) => (err += text) },
    debug: false,
  });
  process.send({ code, err });
});
process.send("ready");
