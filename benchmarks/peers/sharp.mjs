// A plain sharp server: GET /<width>x<height>/<format>/<quality>/<effort or ->/<file name>, `-` meaning sharp's default.
// Settings are those of sharp's documentation: jemalloc preloaded by who starts it, one libvips thread per image when
// many images are made at once, no cache of operations, sequential reading.
import { createServer } from "node:http";
import { join } from "node:path";
import sharp from "sharp";

const [port, root] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(1);

createServer(async (request, response) => {
  try {
    const [, size, format, quality, effort, name] = request.url.split("/");
    const [width, height] = size.split("x").map(Number);
    const options = { quality: Number(quality) };
    if (effort !== "-") options.effort = Number(effort);
    const body = await sharp(join(root, name), { sequentialRead: true })
      .autoOrient()
      .resize(width, height, { fit: "inside", withoutEnlargement: true })
      .toFormat(format, options)
      .toBuffer();
    response.writeHead(200, { "content-type": `image/${format}`, "content-length": body.length });
    response.end(body);
  } catch (error) {
    response.writeHead(500);
    response.end(String(error));
  }
}).listen(Number(port), "127.0.0.1");
