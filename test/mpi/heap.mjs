// Whether connecting moves the end of the heap where something lies behind it, as V8's code may: rank 0 prints by how many bytes, on each rank.
const [, , dist] = process.argv;
const { default: koffi } = await import("koffi");
const { connectRanks } = await import(`${dist}/public/runs.js`);
const c = koffi.load("libc.so.6");
const sbrk = c.func("sbrk", "int64", ["int64"]);
const mmap = c.func("mmap", "int64", ["int64", "int64", "int", "int", "int", "int64"]);
const PAGE = 4096;
const [MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE] = [0x2, 0x20, 0x100000];
/** Puts a page behind the heap's end. Another thread may move the end in between; then it is tried at the new one. */
function block() {
  for (let tries = 0; tries < 10; tries++) {
    const behind = Math.ceil(sbrk(0) / PAGE) * PAGE;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap(behind, PAGE, 0, flags, -1, 0) === behind) return true;
  }
  return false;
}
const blocked = block();
const before = sbrk(0);
const { ranks, close } = await connectRanks(process.env);
const all = ranks.gather(JSON.stringify({ blocked, moved: sbrk(0) - before }));
if (ranks.rank === 0) console.log(JSON.stringify(all.map((text) => JSON.parse(text))));
close();
