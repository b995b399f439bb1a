export { version } from "#platform/version";
