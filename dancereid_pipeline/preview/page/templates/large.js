// The large view: a crop with its joints named beside it, and its box in the video.

const large = document.getElementById("large");
let current = null; // { person, place }

const MARGIN = 92; // beside the crop, for names; in units of a crop that is 256 high
const TALL = 256;

// Names in two columns, each as far up as its joint if there is room, with a line to the joint.
function named(joints, width) {
  const order = joints.map((joint, number) => number).sort((a, b) => joints[a][0] - joints[b][0]);
  const half = Math.floor(order.length / 2);
  const columns = [order.slice(0, half), order.slice(half)];
  const labels = makeSvg("g", { class: "labels" });
  columns.forEach((column, side) => {
    column.sort((a, b) => joints[a][1] - joints[b][1]);
    const room = TALL / column.length;
    column.forEach((number, place) => {
      const y = room * (place + 0.5);
      const x = side ? width + 10 : -10;
      const [to, down] = joints[number];
      const edge = side ? width : 0;
      labels.append(
        makeSvg("path", { d: `M${x} ${y}H${edge}` }),
        ...["shade", "over"].map((name) =>
          makeSvg("path", { class: name, d: `M${edge} ${y}L${to} ${down}` }),
        ),
        makeSvg("text", { x: side ? x + 3 : x - 3, y: y + 3, "text-anchor": side ? "start" : "end" }, [
          about.joints[number],
        ]),
      );
    });
  });
  return labels;
}

function picture(crop, label) {
  const scale = TALL / about.height;
  const width = about.width * scale;
  const joints = crop.joints.map((joint) => joint.map((value) => value * scale));
  // Lines to joints outside end at the crop's edge: the names stay readable.
  const held = joints.map(([x, y]) => [
    Math.max(0, Math.min(x, width)),
    Math.max(0, Math.min(y, TALL)),
  ]);
  return makeSvg(
    "svg",
    { viewBox: `${-MARGIN} 0 ${width + 2 * MARGIN} ${TALL}`, role: "img", "aria-label": label },
    [
      makeSvg("image", { href: crop.picture, width, height: TALL, preserveAspectRatio: "none" }),
      makeSvg("svg", { width, height: TALL }, [pose(joints)]), // which cuts what is outside
      named(held, width),
    ],
  );
}

function show(person, place) {
  const crops = cropsOf(person);
  const crop = crops[place];
  current = { person, place };
  const label = describe(person, crop);
  const [left, top, right, bottom] = crop.box;
  document.getElementById("large-title").textContent = label;
  document.getElementById("large-picture").replaceChildren(picture(crop, `Crop of ${label}`));
  document.getElementById("large-box").textContent =
    `${(right - left).toFixed(1)} × ${(bottom - top).toFixed(1)} pixels of the video, ` +
    `from x ${left.toFixed(1)}, y ${top.toFixed(1)} ` +
    `to x ${right.toFixed(1)}, y ${bottom.toFixed(1)}`;
  document.getElementById("large-size").textContent = `${about.width} × ${about.height}`;
  document.getElementById("large-joints").replaceChildren(
    ...crop.joints.map((joint, number) =>
      make("tr", {}, [
        make("th", { scope: "row", class: sideOf(number) }, [about.joints[number]]),
        make("td", {}, [joint[0].toFixed(1)]),
        make("td", {}, [joint[1].toFixed(1)]),
        make("td", {}, [isInside(joint) ? "yes" : "no, outside"]),
      ]),
    ),
  );
  document.getElementById("before").disabled = place === 0;
  document.getElementById("after").disabled = place === crops.length - 1;
}

function step(by) {
  const place = current.place + by;
  if (cropsOf(current.person)[place]) show(current.person, place);
}

wall.addEventListener("click", (event) => {
  const button = event.target.closest(".crop");
  if (!button) return;
  hideTip();
  show(button.closest(".person"), Number(button.dataset.place));
  large.showModal();
});
large.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
large.addEventListener("click", (event) => {
  if (event.target === large) large.close(); // beside it
});
large.addEventListener("close", () => {
  // Back to where the reader is now, which need not be where the view was opened.
  current.person.querySelectorAll(".crop")[current.place].focus();
});
document.getElementById("before").addEventListener("click", () => step(-1));
document.getElementById("after").addEventListener("click", () => step(1));
document.getElementById("close").addEventListener("click", () => large.close());
