/** Three courses of bricks. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0f5f57"/><path fill="#fff" d="M5 7h13v5H5zM20 7h7v5h-7zM5 14h5v5H5zM12 14h15v5H12zM5 21h13v5H5zM20 21h7v5h-7z"/></svg>
`;
