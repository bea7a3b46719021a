/** Times longer than elsewhere that whatever must come may take: more than 1 on an emulated processor, which says so itself. */
export const patience = Number(process.env.NIBOX_PATIENCE) || 1;
