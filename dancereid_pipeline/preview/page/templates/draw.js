"use strict";
// Draws elements for the grid of people and the large view. Text from the data is only used as
// text or as the value of an attribute.

const about = JSON.parse(document.getElementById("about").textContent);

function make(name, attributes = {}, children = []) {
  const element = document.createElement(name);
  return fill(element, attributes, children);
}

function makeSvg(name, attributes = {}, children = []) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  return fill(element, attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A joint that was not seen is null.
function isInside([x, y]) {
  return x >= 0 && y >= 0 && x < about.width && y < about.height;
}

// The side of the person that joints are on, which gives the colour. In COCO, odd joints are left.
function sideOf(...joints) {
  const sides = joints.map((joint) => (joint === 0 ? "middle" : joint % 2 ? "left" : "right"));
  return sides.every((side) => side === sides[0]) ? sides[0] : "middle";
}

// A pose as a few paths. One element for each joint would be slow for thousands of crops.
function pose(keypoints) {
  const paths = { left: ["", ""], right: ["", ""], middle: ["", ""] };
  for (const [from, to] of about.bones) {
    if (!keypoints[from] || !keypoints[to]) continue;
    paths[sideOf(from, to)][0] += `M${keypoints[from].join(" ")}L${keypoints[to].join(" ")}`;
  }
  keypoints.forEach((joint, index) => {
    if (!joint) return;
    paths[sideOf(index)][1] += `M${joint.join(" ")}h0`;
  });
  const group = makeSvg("g", { class: "pose" });
  for (const kind of [0, 1]) {
    for (const [side, drawn] of Object.entries(paths)) {
      group.append(makeSvg("path", { class: `${kind ? "joint" : "bone"} ${side}`, d: drawn[kind] }));
    }
  }
  return group;
}
