// The large view: a crop with the names of its joints beside it, and its bbox in the video.

const large = document.getElementById("large");
let current = null; // { person, index }

const HEIGHT = 256; // of the crop, in units of the SVG
const MARGIN = 92; // at the left and right of the crop, for names, in the same units

// The names of the joints in a column at each side, in the order of the joints, with lines to them.
function names(keypoints, width) {
  const seen = keypoints.map((joint, i) => i).filter((i) => keypoints[i]);
  const order = seen.sort((a, b) => keypoints[a][0] - keypoints[b][0]);
  const half = Math.floor(order.length / 2);
  const columns = [order.slice(0, half), order.slice(half)];
  const labels = makeSvg("g", { class: "labels" });
  columns.forEach((column, side) => {
    column.sort((a, b) => keypoints[a][1] - keypoints[b][1]);
    column.forEach((joint, row) => {
      const y = (HEIGHT / column.length) * (row + 0.5);
      const x = side ? width + 10 : -10;
      const [to, down] = keypoints[joint];
      const edge = side ? width : 0;
      labels.append(
        makeSvg("path", { d: `M${x} ${y}H${edge}` }),
        ...["shade", "over"].map((name) =>
          makeSvg("path", { class: name, d: `M${edge} ${y}L${to} ${down}` }),
        ),
        makeSvg("text", { x: side ? x + 3 : x - 3, y: y + 3, "text-anchor": side ? "start" : "end" }, [
          about.joints[joint],
        ]),
      );
    });
  });
  return labels;
}

function largeImage(crop, label) {
  const scale = HEIGHT / about.height;
  const width = about.width * scale;
  const keypoints = crop.keypoints.map((joint) => joint && joint.map((value) => value * scale));
  // A line to a joint outside of the crop ends at the crop's edge, so that names stay readable.
  const clipped = keypoints.map(
    (joint) =>
      joint && [Math.max(0, Math.min(joint[0], width)), Math.max(0, Math.min(joint[1], HEIGHT))],
  );
  return makeSvg(
    "svg",
    { viewBox: `${-MARGIN} 0 ${width + 2 * MARGIN} ${HEIGHT}`, role: "img", "aria-label": label },
    [
      makeSvg("image", { href: crop.image, width, height: HEIGHT, preserveAspectRatio: "none" }),
      makeSvg("svg", { width, height: HEIGHT }, [pose(keypoints)]), // it hides what is outside
      names(clipped, width),
    ],
  );
}

function show(person, index) {
  const crops = cropsOf(person);
  const crop = crops[index];
  current = { person, index };
  const label = describe(person, crop);
  const [left, top, right, bottom] = crop.bbox;
  document.getElementById("large-title").textContent = label;
  document.getElementById("large-image").replaceChildren(largeImage(crop, `Crop of ${label}`));
  document.getElementById("large-bbox").textContent =
    `${(right - left).toFixed(1)} × ${(bottom - top).toFixed(1)} pixels of the video, ` +
    `from x ${left.toFixed(1)}, y ${top.toFixed(1)} ` +
    `to x ${right.toFixed(1)}, y ${bottom.toFixed(1)}`;
  document.getElementById("large-size").textContent = `${about.width} × ${about.height}`;
  document.getElementById("large-joints").replaceChildren(
    ...crop.keypoints.map((joint, i) =>
      make("tr", {}, [
        make("th", { scope: "row", class: sideOf(i) }, [about.joints[i]]),
        make("td", {}, [joint ? joint[0].toFixed(1) : ""]),
        make("td", {}, [joint ? joint[1].toFixed(1) : ""]),
        make("td", {}, [joint ? (isInside(joint) ? "yes" : "no, outside") : "not seen"]),
      ]),
    ),
  );
  document.getElementById("before").disabled = index === 0;
  document.getElementById("after").disabled = index === crops.length - 1;
}

function step(by) {
  const index = current.index + by;
  if (cropsOf(current.person)[index]) show(current.person, index);
}

grid.addEventListener("click", (event) => {
  const button = event.target.closest(".crop");
  if (!button) return;
  hideTip();
  show(button.closest(".person"), Number(button.dataset.index));
  large.showModal();
});
large.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
large.addEventListener("click", (event) => {
  if (event.target === large) large.close(); // a click beside the view
});
large.addEventListener("close", () => {
  // The focus goes to the crop that was shown last, not to the one that opened the view.
  current.person.querySelectorAll(".crop")[current.index].focus();
});
document.getElementById("before").addEventListener("click", () => step(-1));
document.getElementById("after").addEventListener("click", () => step(1));
document.getElementById("close").addEventListener("click", () => large.close());
